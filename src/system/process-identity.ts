import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/**
 * One process, and no other that later got the same number. `startedAt` only serves to be compared: it names the boot
 * and the moment of the start as the kernel counts them.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
  readonly bootId: string;
  readonly host: string;
}

/** Who we are. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startedAt: startedAt(process.pid) ?? "unknown", bootId: bootId(), host: hostname() };
}

/** Who has this number now; null when nobody has. */
export function identityOf(pid: number): ProcessIdentity | null {
  const start = startedAt(pid);
  return start === null ? null : { pid, startedAt: start, bootId: bootId(), host: hostname() };
}

/** `elsewhere`: it belongs to another machine, so nothing can be said about it from here. */
export function isAlive(identity: ProcessIdentity): "alive" | "gone" | "elsewhere" {
  if (identity.host !== hostname()) return "elsewhere";
  return startedAt(identity.pid) === identity.startedAt ? "alive" : "gone";
}

/** What `/proc/PID/stat` says of a process, as far as we need it. */
export interface ProcStat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly startTicks: string;
}

/** Null when the process is gone. */
export function readProcStat(pid: number): ProcStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  } catch {
    // The process is gone, which is what null says.
    return null;
  }
  // The name in brackets may itself hold spaces and brackets, so the fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "X",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startTicks: fields[19] ?? "0",
  };
}

/** The start in the form of `ProcessIdentity`, from the ticks since the boot. */
export function startFromTicks(ticks: string): string {
  return `${bootId()}/${ticks}`;
}

let knownBootId: string | null = null;

function bootId(): string {
  knownBootId ??= readBootId();
  return knownBootId;
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Some sandboxes hide it. Ticks alone still tell processes of one boot apart.
    return "boot";
  }
}

function startedAt(pid: number): string | null {
  if (process.platform === "linux") {
    const stat = readProcStat(pid);
    // A zombie does nothing any more and only waits to be noticed by its parent.
    return stat === null || stat.state === "Z" || stat.state === "X" ? null : startFromTicks(stat.startTicks);
  }
  try {
    const text = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { LC_ALL: "C", PATH: "/bin:/usr/bin" },
    });
    const [state = "Z", ...start] = text.trim().split(/\s+/);
    return state.startsWith("Z") ? null : start.join(" ");
  } catch {
    // `ps` fails when no process has this number.
    return null;
  }
}
