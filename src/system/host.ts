import { mkdir, open, statfs } from "node:fs/promises";
import type { HostPort, Outcome } from "../cook/ports.ts";
import type { Children } from "./children.ts";
import { describeError, errorCode, fault } from "./fault.ts";
import type { LanePorts } from "./lane-ports.ts";
import { endLeftovers } from "./leftovers.ts";

/** The machine around a run. `env` is the environment of this process as it was at its start. */
export function openHost(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly storageRoot: string;
  readonly children: Children;
  readonly lanePorts: LanePorts;
}): HostPort {
  return {
    env: options.env,
    readText,
    endLeftovers: () => endLeftovers(options.children),
    freeBytes: () => freeBytes(options.storageRoot),
    portsFor: (slot) => options.lanePorts.portsFor(slot),
  };
}

/** A process's environment without the names that have no value. */
export function definedEnv(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** A file of the user; null when there is none. */
export async function readText(path: string, maxBytes: number): Promise<Outcome<string | null>> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > maxBytes) {
      const message = `Reading ${path} was refused: it has ${String(size)} bytes, and at most ${String(maxBytes)} are read.`;
      return { ok: false, fault: fault("file", message) };
    }
    return { ok: true, value: await file.readFile("utf8") };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { ok: true, value: null };
    return { ok: false, fault: fault("file", `Reading ${path} failed: ${describeError(error)}.`) };
  }
}

async function freeBytes(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
