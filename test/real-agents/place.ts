/**
 * A user's place with the real `claude` in it: a repository, the built command line, and a model that is scripted. The
 * program gets a whole environment and nothing of the caller's, so it talks to loopback only.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Recorded } from "../../src/cook/decision/event.ts";
import { carriers, processTable } from "../../src/system/process-table.ts";
import { claudeEnv, findClaude } from "../fake-model/harness.mjs";
import { startFake } from "../fake-model/server.mjs";
import { type Ended, newRig, type Rig } from "../kit/rig.ts";

/** A request to the model, as far as the tests look at it. */
export interface Ask {
  readonly prompt: string;
  readonly turn: number;
  readonly session: string;
  readonly rule: string;
  readonly status: number | string;
  readonly model: string;
  /** Why the answer did not come to its end. */
  readonly ended?: string;
}

export interface Running {
  /** What it has printed so far. */
  said(): string;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** What `sessions show --json` prints, as far as the tests look at it. */
export interface Detail {
  readonly status: string;
  readonly commits: number;
  readonly agentRuns: number;
  readonly unknownCosts: number;
  readonly usage: Readonly<Record<string, number | null>>;
  readonly steps: Readonly<Record<string, number>>;
  readonly pause: { readonly kind: string; readonly resetsAt?: number | null } | null;
  readonly fault: { readonly kind: string; readonly message: string } | null;
}

export interface Place extends AsyncDisposable {
  readonly rig: Rig;
  /** Starts the command line in the repository. */
  start(...args: readonly string[]): Running;
  prodigy(...args: readonly string[]): Promise<Ended>;
  /** Every request to the model so far. */
  asks(): readonly Ask[];
  /** What the model says from now on. */
  script(scenario: unknown): void;
  /** Of the only session. */
  id(): string;
  status(): string;
  detail(): Promise<Detail>;
  events(): Promise<readonly Recorded[]>;
  /** The logs whose names end so, in order, joined; empty where there is none. */
  log(ending: string): string;
  /** Command lines of processes that belong to the session. */
  processes(): readonly string[];
}

export type Env = Readonly<Record<string, string | undefined>>;

/** A subscriber's environment instead of that of somebody with a key. */
export const SUBSCRIBER: Env = { ANTHROPIC_API_KEY: undefined, CLAUDE_CODE_OAUTH_TOKEN: "fake-oauth-token" };
/** The program gives up after seconds instead of minutes. */
export const IMPATIENT: Env = { CLAUDE_CODE_MAX_RETRIES: "1" };

/** The model is named, so that what it costs does not depend on the program's taste. */
const MODEL = "claude-sonnet-5-5";

export async function newPlace(options: {
  readonly scenario: unknown;
  /** The steps, as lines of the list; or with `map`, the phases, as lines of the file. */
  readonly steps: string;
  readonly map?: boolean;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Env;
}): Promise<Place> {
  const bin = findClaude(fileURLToPath(new URL(".", import.meta.url)));
  if (bin === null) throw new Error("The program is not installed: npm --prefix test/real-agents ci installs it.");
  const fake = await startFake({ scenario: options.scenario });
  const rig = await newRig();
  rig.write(
    "workflow.yml",
    `name: real\nagent:\n  model: ${MODEL}\n${options.map === true ? "" : "commands:\n"}${options.steps}`,
  );
  for (const [path, content] of Object.entries(options.files ?? {})) rig.write(path, content);
  rig.commitAll("work");
  const user = { home: rig.env["HOME"] ?? "", tmp: rig.env["TMPDIR"] ?? "" };
  const all: Env = { ...rig.env, ...claudeEnv(fake.url, user), PRODIGY_CLAUDE_BIN: bin, ...options.env };
  const env = Object.fromEntries(Object.entries(all).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  const start = (...args: readonly string[]): Running => startProdigy(rig, args, env);
  const prodigy = (...args: readonly string[]): Promise<Ended> => start(...args).ended;
  const id = (): string => rig.sessions()[0] ?? "no session";
  return {
    rig,
    start,
    prodigy,
    // The fake's journal has no types; these are the fields that server.mjs writes.
    asks: () => fake.asks() as readonly Ask[],
    script: (scenario) => fake.script.load(scenario),
    id,
    status: () => rig.session(id()).status,
    // Both commands print what docs/json.md describes.
    detail: async () => JSON.parse((await prodigy("sessions", "show", id(), "--json")).stdout) as Detail,
    events: async () => {
      const { stdout } = await prodigy("events", "show", id(), "--json");
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Recorded);
    },
    log: (ending) => logs(join(rig.home, "logs"), ending),
    processes: () => carriers(processTable(), `PRODIGY_SESSION=${id()}`).map(({ pid }) => commandLine(pid)),
    [Symbol.asyncDispose]: async () => {
      await fake.stop();
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** No wait and no call may take longer: a test that hangs must not hold up the others. */
const LIMIT_MS = 60_000;

/** Waits until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > LIMIT_MS) throw new Error(`it never came about that ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A text with names for what differs from run to run. */
export function stable(text: string, it: Place): string {
  return text
    .replaceAll(/\/\S*\/logs\/[^/]+/g, "LOGS")
    .replaceAll(it.id(), "ID")
    .replaceAll(it.rig.root, "ROOT")
    .replaceAll(/127\.0\.0\.1:\d+/g, "GATEWAY");
}

/** Not `spawnSync`: the model answers in this very process. */
function startProdigy(rig: Rig, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, [rig.main, ...args], {
    cwd: rig.repo,
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => void (said[stream] += text));
  }
  return {
    said: () => said.stdout + said.stderr,
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code, ...said });
      });
    }),
  };
}

function logs(folder: string, ending: string): string {
  if (!existsSync(folder)) return "";
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const wanted = paths.filter((path) => path.endsWith(ending)).toSorted();
  return wanted.map((path) => readFileSync(join(folder, path), "utf8")).join("");
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return `process ${String(pid)}`;
  }
}
