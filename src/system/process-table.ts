import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { readProcStat, startFromTicks } from "./process-identity.ts";

/** A living process. Zombies are left out: a container whose first process does not reap keeps them for ever. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly startedAt: string;
}

/** Every process of this machine that lives now. */
export function processTable(): readonly ProcessRow[] {
  return process.platform === "linux" ? linuxTable() : psTable();
}

/** The processes whose environment, as it was when they were started, has this `NAME=value`. */
export function carriers(rows: readonly ProcessRow[], marker: string): readonly ProcessRow[] {
  if (process.platform === "linux") return rows.filter((row) => linuxCarries(row.pid, marker));
  const carrying = new Set<number>();
  for (const line of ps(["axeww", "-o", "pid=,command="])) {
    if (` ${line} `.includes(` ${marker} `)) carrying.add(Number.parseInt(line, 10));
  }
  return rows.filter((row) => carrying.has(row.pid));
}

/** The given processes and everything that descends from them. */
export function withDescendants(rows: readonly ProcessRow[], roots: ReadonlySet<number>): readonly ProcessRow[] {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
  const found = new Map<number, ProcessRow>();
  const open = rows.filter((row) => roots.has(row.pid));
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    if (found.has(row.pid)) continue;
    found.set(row.pid, row);
    open.push(...(children.get(row.pid) ?? []));
  }
  return [...found.values()];
}

/** This process and all above it. */
export function ownLine(rows: readonly ProcessRow[]): ReadonlySet<number> {
  const parents = new Map(rows.map((row) => [row.pid, row.parent]));
  const line = new Set<number>();
  for (
    let pid: number | undefined = process.pid;
    pid !== undefined && pid > 0 && !line.has(pid);
    pid = parents.get(pid)
  )
    line.add(pid);
  return line;
}

function linuxTable(): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = readProcStat(pid);
    if (stat === null || stat.state === "Z" || stat.state === "X") continue;
    rows.push({ pid, parent: stat.parent, group: stat.group, startedAt: startFromTicks(stat.startTicks) });
  }
  return rows;
}

function linuxCarries(pid: number, marker: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${String(pid)}/environ`, "utf8")}`.includes(`\0${marker}\0`);
  } catch {
    // Gone in the meantime, or another user's, which we could not end anyway.
    return false;
  }
}

function psTable(): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const line of ps(["axo", "pid=,ppid=,pgid=,stat=,lstart="])) {
    const [pid, parent, group, state = "Z", ...start] = line.trim().split(/\s+/);
    if (state.startsWith("Z")) continue;
    rows.push({ pid: Number(pid), parent: Number(parent), group: Number(group), startedAt: start.join(" ") });
  }
  return rows;
}

function ps(args: readonly string[]): readonly string[] {
  const text = execFileSync("ps", args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { LC_ALL: "C", PATH: "/bin:/usr/bin" },
  });
  return text.split("\n").filter((line) => line.trim() !== "");
}
