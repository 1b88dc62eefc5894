/** What a soak of kills needs: a run that dies at a given moment, and a look at what is left of it. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Rig } from "./rig.ts";

/** mulberry32: small, and the same on every machine. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Kill {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly afterMs: number;
}

/** Runs the CLI and kills it with SIGKILL after a while, if it still runs then. Returns whether it was killed. */
export function killedAfter(rig: Rig, { args, env, afterMs }: Kill): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [rig.main, ...args], {
      cwd: rig.repo,
      env: { ...rig.env, ...env },
      stdio: "ignore",
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    child.on("error", reject);
    child.on("close", (_, signal) => {
      clearTimeout(timer);
      resolve(signal === "SIGKILL");
    });
  });
}

/** An event as `events show --json` prints it, as far as the soak looks at it. */
export interface Seen {
  readonly type: string;
  readonly lane: string;
  readonly path: string;
  readonly attempt: number;
  readonly index: number;
  readonly id: string;
  readonly end: string;
  readonly result?: { readonly ok: boolean };
}

/** All events of the only session. */
export function eventsOf(rig: Rig): readonly Seen[] {
  const shown = rig.prodigy(["events", "show", rig.sessions()[0] ?? "", "--json"]);
  return shown.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Seen); // Its form is what docs/json.md says.
}

/** Attempts that began again although their success was recorded. An item that is tried again begins anew. */
export function paidTwice(events: readonly Seen[]): readonly string[] {
  const passed = new Set<string>();
  const again: string[] = [];
  for (const event of events) {
    const key = `${event.lane} ${event.path} ${String(event.attempt)}`;
    if (event.type === "item-retried") {
      const lane = `${event.lane}//${event.path}/item-${String(event.index)} `;
      for (const known of passed) if (known.startsWith(lane)) passed.delete(known);
    }
    if (event.type === "attempt-started" && passed.has(key)) again.push(key);
    if (event.type === "attempt-ended" && event.result?.ok === true) passed.add(key);
  }
  return again;
}

/** Processes that belong to the rig's sessions, as far as their environment tells. */
export function processesLeft(rig: Rig): readonly string[] {
  const marker = `PRODIGY_HOME=${rig.home}`;
  const others = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid);
  return others.filter((pid) => environOf(pid).includes(marker));
}

function environOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return ""; // It has ended meanwhile.
  }
}

/** Folders and files below a folder of the storage, by their paths. */
export function below(rig: Rig, folder: string): readonly string[] {
  const path = join(rig.home, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: "utf8" }).toSorted();
}
