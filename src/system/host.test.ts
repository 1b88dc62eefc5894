import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openChildren } from "./children.ts";
import { openHost } from "./host.ts";
import { openLanePorts } from "./lane-ports.ts";

async function rig() {
  const folder = await mkdtemp(join(tmpdir(), "prodigy-host-"));
  const children = openChildren({ file: join(folder, "children"), session: `session-${randomUUID()}` });
  return {
    folder,
    host: openHost({ env: { A: "1" }, storageRoot: join(folder, "root"), children, lanePorts: openLanePorts() }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("a user's file is read, or is not there, or is too long", async () => {
  await using it = await rig();
  const file = join(it.folder, "a.env");
  expect(await it.host.readText(file, 10)).toEqual({ ok: true, value: null });
  await writeFile(file, "X=1");
  expect(await it.host.readText(file, 10)).toEqual({ ok: true, value: "X=1" });
  expect(await it.host.readText(file, 2)).toMatchObject({
    ok: false,
    fault: { message: `Reading ${file} was refused: it has 3 bytes, and at most 2 are read.` },
  });
  expect(await it.host.readText(it.folder, 1_000_000)).toMatchObject({ ok: false, fault: { kind: "file" } });
});

test("the free space is known before anything was stored", async () => {
  await using it = await rig();
  expect(await it.host.freeBytes()).toBeGreaterThan(0);
});

test("without leftovers nothing is ended", async () => {
  await using it = await rig();
  expect(await it.host.endLeftovers()).toBe(0);
});
