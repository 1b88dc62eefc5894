/**
 * Builds the real ports for one session of one repository, and runs it. The order matters: the lock first, so that
 * nobody else writes; then the secrets, so that nothing is written unmasked; then the journal.
 */
import { openAgents } from "./agents/registry.ts";
import type { EventBody, Fault, LaneId, Recorded, SessionOrder } from "./cook/decision/event.ts";
import type { Session } from "./cook/decision/state.ts";
import { fault } from "./cook/decision/fault.ts";
import { isOrder, maskedJournal, shown } from "./cook/masking.ts";
import type { JournalPort, Outcome, Ports } from "./cook/ports.ts";
import { type Known, type Opened, openedHistory, registerSecrets } from "./cook/secrets.ts";
import { rehearse } from "./cook/rehearse.ts";
import { neverBegan } from "./cook/resume-plan.ts";
import { runLoop, type Worked } from "./compose-loop.ts";
import type { Watch } from "./cook/watching.ts";
import { scriptedCommand } from "./agents/scripted-command.ts";
import { openStorage } from "./storage/global-storage.ts";
import { openRecords } from "./storage/event-query.ts";
import { clearInbox, openInbox } from "./storage/inbox.ts";
import { openJournal } from "./storage/journal.ts";
import { logFiles, repositoryKey, sessionPaths } from "./storage/layout.ts";
import { acquireLock, type LockOptions, type SessionLock } from "./storage/lock.ts";
import { storageRoot, worktreeRoot } from "./storage/folders.ts";
import { defaultSocketDirectory } from "./storage/lock-socket.ts";
import { type Children, openChildren } from "./system/children.ts";
import { openClock } from "./system/clock.ts";
import { openFiles } from "./system/files.ts";
import { openHost, readText } from "./system/host.ts";
import { type LanePorts, openLanePorts } from "./system/lane-ports.ts";
import { type Masker, openMasker } from "./system/masker.ts";
import { isAlive, ownIdentity } from "./system/process-identity.ts";
import { openCommands } from "./system/processes.ts";
import { openRandom } from "./system/random.ts";
import { folded } from "./cook/folded.ts";
import { mendSession } from "./unified-session/live-projection.ts";
import { filesAround } from "./system/workflow-files.ts";
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
  /** The folder for new worktrees; null for the one below the root. */
  readonly worktrees: string | null;
  readonly env: Readonly<Record<string, string>>;
}

export type { Worked } from "./compose-loop.ts";

/** What is to be done with a session. */
export type Task =
  /** `before`: what was done elsewhere when it began. */
  | { readonly kind: "start"; readonly order: SessionOrder; readonly before?: readonly EventBody[] }
  | {
      readonly kind: "resume";
      readonly session: string;
      /** Says what to add to the journal before work goes on, or why it does not. Called with the lock held. */
      readonly judge: (session: Session, history: readonly Recorded[]) => Promise<Outcome<readonly EventBody[]>>;
    };

export async function openGround(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly path: string;
}): Promise<Outcome<Ground>> {
  const { env, path } = options;
  const repository = await openRepository({ path, git: { executable: "git", env } });
  if (!repository.ok) return repository;
  const { topLevel, mainWorktree, commonDir } = repository.value;
  const key = repositoryKey(mainWorktree ?? topLevel, commonDir);
  const places = { root: storageRoot(env), worktrees: worktreeRoot(env) };
  return { ok: true, value: { ...places, repository: repository.value, key, env } };
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
  const paths = sessionPaths(ground.root, ground.key, id);
  const stored: Recorded[] = [];
  const clock = openClock();
  const journalOpened = await openJournal(
    { directory: paths.events, writer: `prodigy ${version}`, pid: process.pid, now: () => clock.now() },
    (event) => void stored.push(event),
  );
  if (!journalOpened.ok) return journalOpened;
  await using journal = journalOpened.value;
  if (task.kind === "resume" && stored.length === 0) return { ok: false, fault: neverBegan(id) };
  const masker = maskerOf(ground.env, orderOf(task, stored.filter(isOrder)).workflow.environment.notSecret);
  const { history, missing } = await openHistory(ground, stored, masker);
  if (missing.length > 0) return { ok: false, fault: withoutSecrets(missing) };
  const opening = await openingOf(task, history);
  if (!opening.ok) {
    const seen = history.map((event) => shown(event, masker));
    await mendSession(storage.value, { repository: ground.key, session: id }, seen);
    return opening;
  }
  for (const event of opening.value) await registerOpening(event, ground, masker);
  await clearInbox(paths.inbox);
  const children = openChildren({ file: paths.children, session: id });
  using _ = adopted(children);
  const trees = await openTrees({
    repository: ground.repository,
    root: ground.root,
    key: ground.key,
    worktrees: ground.worktrees,
    session: id,
    branch: orderOf(task, history).branch,
    now: () => clock.now(),
    warn: (_lane: LaneId | null, message: string) => watch.notice(masker.mask(message)),
  });
  if (!trees.ok) return trees;
  await using ownTrees = trees.value;
  await using lanePorts = openLanePorts();
  const ports = portsOf(
    { ground, id, masker, children, lanePorts, watch },
    maskedJournal(guarded(journal, lock), masker),
    ownTrees,
  );
  const value = await runLoop({
    storage: storage.value,
    key: ground.key,
    id,
    history,
    // Whoever has lost the session must not work on in its tree until the next event.
    watch: { ...watch, signal: AbortSignal.any([watch.signal, lock.lost]) },
    ports,
    opening: [...opening.value, sessionOpened(watch, ground)],
  });
  return { ok: true, value };
}

/** The same with nothing in its hands: no lock, no folder, no process. */
export async function tryOut(ground: Ground, order: SessionOrder, watch: Watch): Promise<Outcome<Worked>> {
  const { env } = ground;
  const masker = maskerOf(env, order.workflow.environment.notSecret);
  const started: EventBody = { type: "session-started", order };
  await registerOpening(started, ground, masker);
  const opening = [started, sessionOpened(watch, ground)];
  const files = openFiles({ analyze: () => Promise.reject(new Error("bug: a dry run analyzed")) });
  return { ok: true, value: await rehearse({ ...watch, opening, clock: openClock(), masker, files, env }) };
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
  return {
    [Symbol.dispose]: () => {
      living.delete(children);
      children.close();
    },
  };
}

/** A masker that knows the secrets of the environment. */
export function maskerOf(env: Readonly<Record<string, string>>, notSecret: readonly string[] = []): Masker {
  const masker = openMasker();
  for (const [name, value] of Object.entries(env)) {
    if (looksSecret(name) && !notSecret.includes(name)) masker.add(name, value, { certain: false });
  }
  return masker;
}

/** The journal of a session as the engine needs it, and the secrets that this environment does not have. */
export function openHistory({ env }: Pick<Ground, "env">, stored: readonly Recorded[], masker: Masker): Opened {
  const filesOf: Known["filesOf"] = (file) => filesAround(file, storageRoot(env));
  return openedHistory(stored, { host: { env, readText }, masker, filesOf });
}

/** What a new order declares must be known before the order is written. */
async function registerOpening(event: EventBody, { env, repository }: Ground, masker: Masker): Promise<void> {
  const { workflow, parameters } =
    event.type === "session-started"
      ? event.order
      : { workflow: event.type === "workflow-changed" ? event.workflow : null, parameters: {} };
  if (workflow === null) return;
  await registerSecrets({ workflow, parameters, directory: repository.topLevel }, { host: { env, readText }, masker });
}

/** Why nothing can be done with a journal whose secrets are not known. */
export function withoutSecrets(names: readonly string[]): Fault {
  const help = `set ${names.join(", ")} in the environment, or put back the workflow file in which it stood, and resume again`;
  return fault(
    "environment",
    `secrets are not kept on the disk, and this environment does not have ${names.join(", ")}`,
    { help },
  );
}

async function openingOf(task: Task, history: readonly Recorded[]): Promise<Outcome<readonly EventBody[]>> {
  if (task.kind === "start")
    return { ok: true, value: [{ type: "session-started", order: task.order }, ...(task.before ?? [])] };
  return task.judge(folded(history), history);
}

function orderOf(task: Task, history: readonly Recorded[]): SessionOrder {
  return task.kind === "start" ? task.order : folded(history).order;
}

function sessionOpened(watch: Watch, { env }: Ground): EventBody {
  const { pid, startedAt, host } = ownIdentity();
  const waiver = env["PRODIGY_NO_COMMIT_VALIDATION"] === "true" ? { waivesCommits: true as const } : {};
  return { type: "session-opened", worker: { pid, startedAt, host }, autoLand: watch.yes, ...waiver };
}

interface Wiring {
  readonly ground: Ground;
  readonly id: string;
  readonly masker: Masker;
  readonly children: Children;
  readonly lanePorts: LanePorts;
  readonly watch: Watch;
}

function portsOf(wiring: Wiring, journal: JournalPort, trees: Ports["trees"]): Ports {
  const { ground, id, masker, children, lanePorts, watch } = wiring;
  const { root, env, key } = ground;
  return {
    clock: openClock(),
    random: openRandom(),
    journal,
    records: openRecords(sessionPaths(root, key, id).events),
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
    host: openHost({ env, storageRoot: root, children, lanePorts }),
    masker,
    person: { confirm: (question, signal) => watch.confirm(masker.mask(question), signal) },
    logs: {
      // A label may hold what the workflow file holds, and a file's name is on the disk too.
      name: ({ lane, sequence, label }) =>
        logFiles({ repository: key, session: id, lane, sequence, label: masker.mask(label) }),
    },
  };
}

/** Nothing is written any more once somebody else has taken the session over. */
function guarded(journal: JournalPort, lock: SessionLock): JournalPort {
  return {
    append: async (events, options) => {
      // `main.ts` knows it by its code: it is no mistake of ours.
      if (lock.lost.aborted)
        throw Object.assign(new Error("another process has taken this session over"), { code: "EPRODIGYLOCK" });
      return await journal.append(events, options);
    },
  };
}
