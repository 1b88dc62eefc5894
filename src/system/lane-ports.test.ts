import { createServer } from "node:net";
import { expect, test } from "vitest";
import { openLanePorts } from "./lane-ports.ts";

function listening(port: number): Promise<AsyncDisposable | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () =>
      resolve({ [Symbol.asyncDispose]: () => new Promise((closed) => server.close(() => closed())) }),
    );
  });
}

test("a slot keeps its ports, and all ten can be listened on", async () => {
  await using ports = openLanePorts();
  const first = (await ports.portsFor(1)) ?? 0;
  expect(await ports.portsFor(1)).toBe(first);
  for (let port = first; port < first + 10; port += 1) {
    await using server = await listening(port);
    expect(server).not.toBeNull();
  }
});

test("slots that ask at the same time, of one worker or of two, have no port in common", async () => {
  await using one = openLanePorts();
  await using two = openLanePorts();
  const asked = [1, 2, 3, 4].flatMap((slot) => [one.portsFor(slot), two.portsFor(slot)]);
  const all = (await Promise.all(asked)).flatMap((first) =>
    Array.from({ length: 10 }, (_, index) => (first ?? 0) + index),
  );
  expect(new Set(all).size).toBe(80);
});

test("a port that somebody listens on is given to nobody", async () => {
  const first = await freed();
  await using busy = await listening(first + 4);
  expect(busy).not.toBeNull();
  await using ports = openLanePorts();
  expect(await ports.portsFor(1)).not.toBe(first);
});

/** What the first slot of this process is given when nobody listens anywhere. */
async function freed(): Promise<number> {
  await using ports = openLanePorts();
  return (await ports.portsFor(1)) ?? 0;
}
