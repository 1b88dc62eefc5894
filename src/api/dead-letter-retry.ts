/**
 * Dead letters are tried again in a session of their own, a child of the one that keeps them: the same agent template, and
 * what the map had seen when it began.
 *
 * The letters are claimed in the parent's journal before the child begins, under the parent's lock, so nobody else tries
 * them meanwhile. What became of them is noted there when the child has ended, by whoever ends it.
 */
import { type Ground, lockOptions, maskerOf, openHistory, work, withoutSecrets } from "../compose.ts";
import type { EventBody, Recorded, SessionOrder } from "../cook/decision/event.ts";
import type { MapItem } from "../cook/decision/event-map.ts";
import { evolve } from "../cook/decision/evolve.ts";
import { fault } from "../cook/decision/fault.ts";
import { MAIN, type Session, type State } from "../cook/decision/state.ts";
import { mapStrings } from "../cook/execution/scope.ts";
import { masked } from "../cook/masking.ts";
import { folded } from "../cook/folded.ts";
import type { MaskerPort, Outcome } from "../cook/ports.ts";
import type { RunResult } from "../cook/run-result.ts";
import { type Watching, watchOf } from "../cook/watching.ts";
import { type Amendment, openingOf, type Seen, workflowAgain } from "../dead-letters/again.ts";
import { dropRequest } from "../storage/inbox.ts";
import { readJournal } from "../storage/journal-follow.ts";
import { newSessionId, sessionPaths } from "../storage/layout.ts";
import { acquireLock, lockHolder } from "../storage/lock.ts";
import { openClock } from "../system/clock.ts";
import { openRandom } from "../system/random.ts";
import { version } from "../version.ts";
import type { MapAction } from "../workflow/model.ts";
import { gitLine } from "../worktree/git.ts";
import { lettersOf, noteInJournal, withoutJournal } from "./letter-queue.ts";
import { missingNeed } from "./missing-need.ts";
import { finished } from "./run.ts";
import { findGround, type Where } from "./where.ts";

export interface RetryOptions extends Where, Watching {
  /** The session that keeps the letters, as `readDeadLetters` names it. */
  readonly session: string;
  /** Which of them, by their ids. */
  readonly items: readonly string[];
  /** Take over letters from a session that tries them and on which nobody works. @default false */
  readonly takeOver?: boolean;
  readonly amendment: Amendment;
}

export async function retryDeadLetters(options: RetryOptions): Promise<Outcome<RunResult>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const lock = await acquireLock(lockOptions(ground, ground.key, session));
  if (!lock.ok) return lock;
  let released: Promise<void> | null = null;
  const release = (): Promise<void> => (released ??= lock.value[Symbol.asyncDispose]());
  try {
    const child = await childOf(ground, session, options);
    if (!child.ok) return child;
    const { order, before, items } = child.value;
    const missing = missingNeed(ground, order.workflow, options.agent ?? null);
    if (missing !== null) return { ok: false, fault: missing };
    const claimed = await noteInJournal(ground, session, [
      { type: "dead-letters-retried", session: order.session, items },
    ]);
    if (!claimed.ok) return claimed;
    const watch = watchOf(options);
    const worked = await work(
      ground,
      { kind: "start", order, before },
      {
        ...watch,
        observe: (event) => {
          // It has begun, and its journal says so: from now on it can be resumed, and nobody takes the claim for void.
          void release();
          watch.observe(event);
        },
      },
    );
    await release();
    return await finished(ground, worked, options);
  } finally {
    await release();
  }
}

/** A running session is asked to try its own again, as they are; null when nobody works on it. */
export async function requestRetry(
  options: Where & { readonly session: string; readonly items: readonly string[] },
): Promise<Outcome<{ readonly session: string; readonly pid: number } | null>> {
  const found = await findGround(options, options.session);
  if (!found.ok) return found;
  const { ground, session } = found.value;
  const holder = await lockHolder(lockOptions(ground, ground.key, session));
  if (holder === null) return { ok: true, value: null };
  const { inbox } = sessionPaths(ground.root, ground.key, session);
  await dropRequest(inbox, { kind: "retry-items", items: options.items }, openClock().now());
  return { ok: true, value: { session, pid: holder.pid } };
}

interface Child {
  readonly order: SessionOrder;
  readonly before: readonly EventBody[];
  /** The ids of its items, as the queue has them. */
  readonly items: readonly string[];
}

async function childOf(ground: Ground, session: string, options: RetryOptions): Promise<Outcome<Child>> {
  const parent = await parentOf(ground, session);
  if (!parent.ok) return parent;
  const { state, map } = parent.value;
  if (state.status !== "ended") return notEnded(state);
  const wanted = await wantedItems(ground, session, options);
  if (!wanted.ok) return wanted;
  const items = map.items.filter(({ id }) => wanted.value.has(map.shown(id)));
  const base = await baseOf(ground, state);
  if (!base.ok) return base;
  const id = newSessionId(openClock().now(), () => openRandom().unit());
  const { repository, key } = ground;
  const order: SessionOrder = {
    ...state.order,
    session: id,
    workflow: workflowAgain({ workflow: state.order.workflow, action: map.action, items }, options.amendment),
    inputs: state.order.inputs.slice(0, 1),
    maxIterations: 1,
    repository: { key, path: repository.topLevel },
    ...base.value,
    branch: `prodigy-${id}`,
    parent: session,
    deadLettersOf: session,
    versions: { prodigy: version, node: process.version, git: repository.version },
  };
  const directory = sessionPaths(ground.root, key, id).worktree;
  const tree = { head: base.value.base, snapshot: null };
  const prepared = { type: "lane-prepared", lane: MAIN, directory, tree, salvage: null } as const;
  return { ok: true, value: { order, before: openingOf(prepared, map.seen), items: [...wanted.value] } };
}

interface Parent {
  readonly state: Session;
  readonly map: {
    readonly action: MapAction;
    readonly items: readonly MapItem[];
    readonly seen: Seen;
    readonly shown: (text: string) => string;
  };
}

async function parentOf(ground: Ground, session: string): Promise<Outcome<Parent>> {
  const read = await readJournal(sessionPaths(ground.root, ground.key, session).events);
  if (!read.ok) return read;
  if (read.value.length === 0) return { ok: false, fault: withoutJournal(session) };
  const first = read.value.find((event) => event.type === "session-started");
  const masker = maskerOf(
    ground.env,
    first?.type === "session-started" ? first.order.workflow.environment.notSecret : [],
  );
  const { history, missing } = await openHistory(ground, read.value, masker);
  if (missing.length > 0) return { ok: false, fault: withoutSecrets(missing) };
  const state = folded(history);
  const action = state.order.workflow.steps.map((step) => step.action).find((one) => one.kind === "map");
  const map = mapOf(history, masker);
  if (action === undefined || map === null) {
    return { ok: false, fault: fault("file", `session ${session} has no map, so it has no dead letters`) };
  }
  return { ok: true, value: { state, map: { action, ...map } } };
}

/** The items of all passes, the newest of each name, and what the last map saw when it was planned. */
function mapOf(history: readonly Recorded[], masker: MaskerPort): Omit<Parent["map"], "action"> | null {
  const items = new Map<string, MapItem>();
  let seen: Seen | null = null;
  let state: State = { kind: "none" };
  const open = (text: string): string => masker.unseal(text);
  for (const event of history) {
    if (event.type === "map-planned" && state.kind === "session") {
      const lane = state.lanes.get(event.lane);
      seen = { variables: lane?.vars ?? {}, computed: lane?.root.computed ?? {} };
      for (const { id, data } of event.items) items.set(open(id), { id: open(id), data: mapStrings(data, open) });
    }
    state = evolve(state, event);
  }
  return seen === null ? null : { items: [...items.values()], seen, shown: (text) => masked(text, masker) };
}

/** Those that are asked for, unless somebody else tries them already. */
async function wantedItems(
  ground: Ground,
  session: string,
  { items, takeOver = false }: RetryOptions,
): Promise<Outcome<ReadonlySet<string>>> {
  const letters = await lettersOf(ground, session);
  if (!letters.ok) return letters;
  const asked = new Set(items);
  const meant = letters.value.filter(({ item_id: id }) => asked.has(id));
  const taken = meant.find(({ retrying_in: by }) => by !== null);
  if (taken !== undefined) {
    const by = taken.retrying_in ?? "";
    const holder = await lockHolder(lockOptions(ground, ground.key, by));
    const message = `item ${taken.item_id} is being tried again by session ${by}`;
    if (holder !== null)
      return { ok: false, fault: fault("file", message, { help: `watch it with: prodigy events follow ${by}` }) };
    const help = `nobody works on that session; go on with it: prodigy resume ${by}; or give it up: --take-over`;
    if (!takeOver) return { ok: false, fault: fault("file", message, { help }) };
  }
  if (meant.length === 0) {
    const message = `session ${session} has none of these dead letters`;
    return { ok: false, fault: fault("file", message, { help: `list them with: prodigy dlq list ${session}` }) };
  }
  return { ok: true, value: new Set(meant.map(({ item_id: id }) => id)) };
}

/** The session's branch while it waits to be merged, so that all of it lands at once; afterwards its target. */
async function baseOf(
  { repository }: Ground,
  { order, landing }: Session,
): Promise<Outcome<{ readonly base: string; readonly target: string | null }>> {
  const isWaiting = landing.kind === "settled" && (landing.result === "not-landed" || landing.result === "declined");
  for (const target of [...(isWaiting ? [order.branch] : []), ...(order.target === null ? [] : [order.target])]) {
    const head = await gitLine(repository.git, {
      directory: repository.commonDir,
      args: ["rev-parse", "--verify", "--quiet", `refs/heads/${target}^{commit}`],
    });
    if (head.ok) return { ok: true, value: { base: head.value, target } };
  }
  if (order.target === null) return { ok: true, value: { base: repository.head, target: null } };
  const message = `the branch ${order.target}, which session ${order.session} came from, is gone`;
  return { ok: false, fault: fault("landing", message, { help: `make it again: git branch ${order.target}` }) };
}

function notEnded({ order, status }: Session): Outcome<never> {
  const help = `go on with it first: prodigy resume ${order.session}`;
  const message = `session ${order.session} has not ended (it is ${status}), so its dead letters cannot be tried apart from it`;
  return { ok: false, fault: fault("file", message, { help }) };
}
