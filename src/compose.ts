/**
 * Builds the real ports for one session of one repository, and runs it. The order matters: the lock first, so that
 * nobody else writes; then the secrets, so that nothing is written unmasked; then the journal.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openAgents } from "./agents/registry.ts";
import type { EventBody, LaneId, Recorded, SessionOrder } from "./cook/decision/event.ts";
import { evolve } from "./cook/decision/evolve.ts";
import type { Session, State } from "./cook/decision/state.ts";
import { createDryPerformer } from "./cook/execution/dry.ts";
import { createPerformer } from "./cook/execution/perform.ts";
import { maskedJournal, opened as openedEvent, shown } from "./cook/masking.ts";
import { drive } from "./cook/orchestrator.ts";
import type { JournalPort, LiveSink, Outcome, PersonPort, Ports } from "./cook/ports.ts";
import { openTally, type Tally } from "./cook/tally.ts";
import { type GlobalStorage, openStorage } from "./storage/global-storage.ts";
import { clearInbox, openInbox } from "./storage/inbox.ts";
import { openJournal } from "./storage/journal.ts";
import { logFiles, repositoryKey, sessionPaths } from "./storage/layout.ts";
import { acquireLock, type LockOptions, type SessionLock } from "./storage/lock.ts";
import { defaultSocketDirectory } from "./storage/lock-socket.ts";
import { type Children, openChildren } from "./system/children.ts";
import { openClock } from "./system/clock.ts";
import { openFiles } from "./system/files.ts";
import { openHost } from "./system/host.ts";
import { type Masker, openMasker } from "./system/masker.ts";
import { isAlive, ownIdentity } from "./system/process-identity.ts";
import { openCommands } from "./system/processes.ts";
import { openRandom } from "./system/random.ts";
import { openLiveProjection } from "./unified-session/live-projection.ts";
import { version } from "./version.ts";
import { looksSecret } from "./workflow/secret-names.ts";
import { analyzeRepository } from "./worktree/analyze.ts";
import { openRepository, type Repository } from "./worktree/repository.ts";
import { openTrees } from "./worktree/trees.ts";

/** What every call needs: a repository and the place where its things are kept. */
export interface Ground {
  readonly root: string;
  readonly repository: Repository;
  /** The repository's name below the root. */
  readonly key: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What is to be done with a session. */
export type Task =
  | { readonly kind: "start"; readonly order: SessionOrder }
  | {
      readonly kind: "resume";
      readonly session: string;
      /** Says what to add to the journal before work goes on, or why it does not. Called with the lock held. */
      readonly judge: (session: Session, history: readonly Recorded[]) => Promise<Outcome<readonly EventBody[]>>;
    };

/** Who watches a run, and who may interfere. */
export interface Watching {
  /** Whether the session's commits are merged at the end without a question. @default false */
  readonly yes?: boolean;
  /** An agent that stands in for every other, such as `scripted`. @default the environment's PRODIGY_AGENT */
  readonly agent?: string | null;
  /** Asked before the merge. @default nobody is there to be asked, and nothing is merged */
  readonly confirm?: PersonPort["confirm"];
  /** Sees each event right after it was recorded, its secrets masked. */
  readonly observe?: (event: Recorded) => void;
  /** Sees the events that an earlier run of the session has recorded. */
  readonly replay?: (event: Recorded) => void;
  /** Sees what steps print and agents do, line by line. */
  readonly live?: LiveSink;
  /** Hears what a person should know and no event tells. */
  readonly notice?: (message: string) => void;
  /** Abort it with a `PauseReason` to stop: the session is paused and can be resumed. */
  readonly signal?: AbortSignal;
}

type Watch = Required<Watching>;

export interface Worked {
  readonly session: Session;
  readonly tally: Tally;
}

/** The same with nothing left out. */
export function watchOf(options: Watching): Watch {
  return {
    yes: options.yes ?? false,
    agent: options.agent ?? null,
    confirm: options.confirm ?? (() => Promise.resolve("nobody")),
    replay: options.replay ?? (() => undefined),
    observe: options.observe ?? (() => undefined),
    live: options.live ?? { line: () => undefined, activity: () => undefined },
    notice: options.notice ?? (() => undefined),
    signal: options.signal ?? new AbortController().signal,
  };
}

/** Where Prodigy keeps its things. */
export function storageRoot(env: Readonly<Record<string, string>>): string {
  const home = env["HOME"] ?? homedir();
  const chosen = env["PRODIGY_HOME"];
  if (chosen === undefined || chosen === "") return join(home, ".prodigy");
  return resolve(chosen.replace(/^~(?=\/|$)/, home));
}

export async function openGround(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly path: string;
}): Promise<Outcome<Ground>> {
  const { env, path } = options;
  const repository = await openRepository({ path, git: { executable: "git", env } });
  if (!repository.ok) return repository;
  const { topLevel, mainWorktree, commonDir } = repository.value;
  const key = repositoryKey(mainWorktree ?? topLevel, commonDir);
  return { ok: true, value: { root: storageRoot(env), repository: repository.value, key, env } };
}

export function lockOptions(at: Pick<Ground, "root" | "env">, repository: string, session: string): LockOptions {
  return {
    directory: sessionPaths(at.root, repository, session).lock,
    session,
    self: ownIdentity(),
    isAlive,
    now: () => openClock().now(),
    socketDirectory: defaultSocketDirectory(),
    allowNetwork: at.env["PRODIGY_ALLOW_NETWORK_STORAGE"] === "1",
  };
}

/** Works on a session until it is settled. The outcome is a fault when it could not even be begun. */
export async function work(ground: Ground, task: Task, watch: Watch): Promise<Outcome<Worked>> {
  const id = task.kind === "start" ? task.order.session : task.session;
  const storage = await openStorage(ground.root);
  if (!storage.ok) return storage;
  const taken = await acquireLock(lockOptions(ground, ground.key, id));
  if (!taken.ok) return taken;
  await using lock = taken.value;
  const masker = maskerOf(ground.env, task.kind === "start" ? task.order.workflow.environment.notSecret : []);
  const paths = sessionPaths(ground.root, ground.key, id);
  const history: Recorded[] = [];
  const clock = openClock();
  const opened = await openJournal(
    { directory: paths.events, writer: `prodigy ${version}`, pid: process.pid, now: () => clock.now() },
    (event) => void history.push(openedEvent(event, masker)),
  );
  if (!opened.ok) return opened;
  await using journal = opened.value;
  const opening = await openingOf(task, history);
  if (!opening.ok) return opening;
  await clearInbox(paths.inbox);
  const children = openChildren({ file: paths.children, session: id });
  using _ = adopted(children);
  const trees = await openTrees({
    repository: ground.repository,
    root: ground.root,
    key: ground.key,
    session: id,
    branch: orderOf(task, history).branch,
    warn: (_lane: LaneId | null, message: string) => watch.notice(masker.mask(message)),
  });
  if (!trees.ok) return trees;
  await using ownTrees = trees.value;
  const ports = portsOf(
    { ground, id, masker, children, watch },
    maskedJournal(guarded(journal, lock), masker),
    ownTrees,
  );
  const value = await runLoop({
    storage: storage.value,
    key: ground.key,
    id,
    history,
    watch,
    ports,
    opening: [...opening.value, sessionOpened(watch)],
  });
  return { ok: true, value };
}

/** The same loop with a performer that does nothing, on a journal that nobody keeps. */
export async function rehearse(ground: Ground, order: SessionOrder, watch: Watch): Promise<Worked> {
  const masker = maskerOf(ground.env, order.workflow.environment.notSecret);
  let seq = 0;
  const journal: JournalPort = {
    append: (events) => Promise.resolve(events.map((event) => ({ ...event, seq: ++seq }))),
  };
  const tally = openTally();
  // Nothing was ever started, so nothing can be left over; and no folder is made to look.
  const nothing = Promise.resolve({ ok: true as const, value: null });
  const none = Promise.resolve(0);
  const host = { env: ground.env, readText: () => nothing, endLeftovers: () => none, freeBytes: () => none };
  const session = await drive({
    ports: { clock: openClock(), journal, inbox: { next: waitForEver }, host },
    performer: createDryPerformer({ masker }),
    history: [],
    opening: [{ type: "session-started", order }, sessionOpened(watch)],
    observe: (event) => {
      tally.add(event);
      watch.observe(shown(event, masker));
    },
    stop: watch.signal,
  });
  return { session, tally: tally.read() };
}

/** Ends every child of every session of this process at once: the second Ctrl-C. */
export function killChildren(): void {
  for (const children of living) children.killAll();
}

/** The program that plays scripts; run by the agent `scripted` as a process of its own. */
export async function scriptedAgent(argv: readonly string[], self: NodeJS.Process): Promise<number> {
  const { scriptedMain } = await import("./agents/scripted-main.ts");
  const { definedEnv } = await import("./system/host.ts");
  const { stdin, stdout, stderr } = self;
  return scriptedMain({ argv, directory: self.cwd(), env: definedEnv(self.env), stdin, stdout, stderr });
}

const living = new Set<Children>();

function adopted(children: Children): Disposable {
  living.add(children);
  return { [Symbol.dispose]: () => void living.delete(children) };
}

/** A masker that knows the secrets of the environment. */
export function maskerOf(env: Readonly<Record<string, string>>, notSecret: readonly string[] = []): Masker {
  const masker = openMasker();
  for (const [name, value] of Object.entries(env)) {
    if (looksSecret(name) && !notSecret.includes(name)) masker.add(name, value, { certain: false });
  }
  return masker;
}

async function openingOf(task: Task, history: readonly Recorded[]): Promise<Outcome<readonly EventBody[]>> {
  if (task.kind === "start") return { ok: true, value: [{ type: "session-started", order: task.order }] };
  return task.judge(folded(history), history);
}

/** The state that a journal comes to. */
export function folded(history: readonly Recorded[]): Session {
  let state: State = { kind: "none" };
  for (const event of history) state = evolve(state, event);
  if (state.kind === "none") throw new Error("bug: a journal without session-started");
  return state;
}

function orderOf(task: Task, history: readonly Recorded[]): SessionOrder {
  return task.kind === "start" ? task.order : folded(history).order;
}

function sessionOpened(watch: Watch): EventBody {
  const { pid, startedAt, host } = ownIdentity();
  return { type: "session-opened", worker: { pid, startedAt, host }, autoLand: watch.yes };
}

interface Wiring {
  readonly ground: Ground;
  readonly id: string;
  readonly masker: Masker;
  readonly children: Children;
  readonly watch: Watch;
}

function portsOf(wiring: Wiring, journal: JournalPort, trees: Ports["trees"]): Ports {
  const { ground, id, masker, children, watch } = wiring;
  const { root, env, key } = ground;
  return {
    clock: openClock(),
    random: openRandom(),
    journal,
    inbox: openInbox(sessionPaths(root, key, id).inbox),
    trees,
    commands: openCommands({ storageRoot: root, masker, children }),
    agents: openAgents({
      storageRoot: root,
      masker,
      children,
      scriptedCommand: scriptedCommand(),
      substitute: watch.agent ?? (env["PRODIGY_AGENT"] || null),
    }),
    files: openFiles({
      analyze: (options, signal) =>
        analyzeRepository(ground.repository.git, { ...options, now: openClock().now() }, signal),
    }),
    host: openHost({ env, storageRoot: root, children }),
    masker,
    person: { confirm: (question, signal) => watch.confirm(masker.mask(question), signal) },
    logs: { name: ({ lane, sequence, label }) => logFiles({ repository: key, session: id, lane, sequence, label }) },
  };
}

/** Our own `main.js`, wherever the bundler has put this code. */
function scriptedCommand(): readonly string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  const main = [join(here, "main.js"), join(here, "..", "main.js")].find((path) => existsSync(path));
  return [process.execPath, main ?? join(here, "main.js"), "scripted-agent"];
}

/** Nothing is written any more once somebody else has taken the session over. */
function guarded(journal: JournalPort, lock: SessionLock): JournalPort {
  return {
    append: async (events, options) => {
      if (lock.lost.aborted) throw new Error("another process has taken this session over");
      return await journal.append(events, options);
    },
  };
}

interface Loop {
  readonly storage: GlobalStorage;
  readonly key: string;
  readonly id: string;
  readonly history: readonly Recorded[];
  readonly watch: Watch;
  readonly ports: Ports;
  readonly opening: readonly EventBody[];
}

async function runLoop({ storage, key, id, history, watch, ports, opening }: Loop): Promise<Worked> {
  const tally = openTally();
  await using projection = openLiveProjection(storage, { repository: key, session: id }, openClock());
  for (const event of history) {
    const seen = shown(event, ports.masker);
    tally.add(seen);
    projection.replay(seen);
    watch.replay(seen);
  }
  const session = await drive({
    ports,
    performer: createPerformer({ ports, live: watch.live }),
    history,
    opening,
    observe: (event) => {
      const seen = shown(event, ports.masker);
      tally.add(seen);
      projection.add(seen);
      watch.observe(seen);
    },
    stop: watch.signal,
  });
  return { session, tally: tally.read() };
}

function waitForEver(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}
