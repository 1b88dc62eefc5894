/**
 * Ports for what items start beside each other, such as servers under test. A slot has ten that nobody listens on; behind
 * them is one that this process holds itself, which is how workers of other sessions see that the ten are taken. It goes
 * with the process, however that dies.
 */
import { createServer, type Server } from "node:net";

export interface LanePorts extends AsyncDisposable {
  /** See `HostPort.portsFor`. */
  portsFor(slot: number): Promise<number | null>;
}

/** Below what systems give out by themselves to those who connect (from 32768 on Linux), above the usual services. */
const FIRST = 20_000;
const PER_SLOT = 10;
const BLOCK = PER_SLOT + 1;
const BLOCKS = Math.floor((32_768 - FIRST) / BLOCK);

export function openLanePorts(): LanePorts {
  const known = new Map<number, Promise<number | null>>();
  const claims: Server[] = [];
  // Sessions that begin at the same time look at different places first.
  let block = process.pid % BLOCKS;
  const find = async (): Promise<number | null> => {
    for (let tries = 0; tries < BLOCKS; tries += 1) {
      const first = FIRST + BLOCK * block;
      block = (block + 1) % BLOCKS;
      const claim = await listen(first + PER_SLOT);
      if (claim === null) continue;
      if (await areFree(first)) {
        claims.push(claim);
        return first;
      }
      await closed(claim);
    }
    return null;
  };
  return {
    portsFor: (slot) => {
      const found = known.get(slot) ?? find();
      known.set(slot, found);
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(known.values());
      await Promise.all(claims.map(closed));
    },
  };
}

async function areFree(first: number): Promise<boolean> {
  for (let port = first; port < first + PER_SLOT; port += 1) {
    const server = await listen(port);
    if (server === null) return false;
    await closed(server);
  }
  return true;
}

/** Null when somebody else has the port, or this machine lets nobody listen. */
function listen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", () => resolve(null));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(server.unref()));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
