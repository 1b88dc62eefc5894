/**
 * THE loop: fold, decide, perform, record. Starting and resuming are the same call; only the history differs.
 *
 * Nothing here knows what a step is. An effect that may cost something is journalled before it starts and after it ends,
 * so whatever dies in between is found by the next worker.
 */
import { type Command, keyOf } from "./decision/command.ts";
import { decide } from "./decision/decide.ts";
import type { EventBody, PauseReason, Recorded } from "./decision/event.ts";
import { evolve } from "./decision/evolve.ts";
import { requeued } from "./decision/requeue.ts";
import type { Session, State } from "./decision/state.ts";
import { folded } from "./folded.ts";
import { Mailbox } from "./mailbox.ts";
import type { Ports } from "./ports.ts";

export type Effect = Exclude<Command, { kind: "record" }>;

/** Carries out commands. `announce` gives the event that must be on disk before the effect may begin. */
export interface Performer {
  announce(command: Effect, session: Session): EventBody | null;
  /** Returns what happened; nothing, when it was cut short and can be done again. */
  perform(command: Effect, session: Session, signal: AbortSignal): Promise<readonly EventBody[]>;
}

export interface Drive {
  readonly ports: Pick<Ports, "clock" | "journal" | "inbox" | "host">;
  readonly performer: Performer;
  /** What the journal already holds. */
  readonly history: readonly Recorded[];
  /** What this worker adds first, such as `session-started` and `session-opened`. */
  readonly opening: readonly EventBody[];
  /** Sees every event right after it has been recorded. */
  readonly observe: (event: Recorded, session: Session) => void;
  /** Aborted with a `PauseReason` to stop: nothing new starts, what runs is ended, and the session is paused. */
  readonly stop: AbortSignal;
}

/** Conclusions follow from one another only as deep as steps are nested; more means that they never end. */
const MAX_CONCLUSIONS = 10_000;

/** Effects on branches and worktrees that nothing here could undo. */
const IRREVERSIBLE: ReadonlySet<Effect["kind"]> = new Set([
  "advance-map",
  "land",
  "leave-input",
  "merge-lane",
  "release-lane",
  "remove-lane",
]);

/** Effects that only wait, for a time or for a person. */
const WAITS: ReadonlySet<Effect["kind"]> = new Set(["ask-landing", "wait", "wait-until"]);

type Message =
  | { readonly kind: "done"; readonly key: string; readonly events: readonly EventBody[] }
  | { readonly kind: "broken"; readonly error: unknown }
  | { readonly kind: "stop"; readonly reason: PauseReason }
  | { readonly kind: "retry-items"; readonly items: readonly string[] };

/** Runs the session until it is settled: ended, failed or paused. Returns its last state. */
export async function drive(run: Drive): Promise<Session> {
  const loop = new Loop(run);
  try {
    return await loop.run();
  } finally {
    await loop.close();
  }
}

/** One worker's time on a session. Open from the first fold until every effect that it began has ended. */
class Loop {
  readonly #run: Drive;
  readonly #mailbox = new Mailbox<Message>();
  readonly #inFlight = new Map<string, Promise<void>>();
  /** Ends the effects in flight. */
  readonly #work = new AbortController();
  /** Ends those of them that only wait, for a time or for a person: a pause has no reason to wait for them. */
  readonly #waiting = new AbortController();
  /** Ends the listening for stops. */
  readonly #listening = new AbortController();
  readonly #listeners: Promise<void>[] = [];
  #state: State = { kind: "none" };

  constructor(run: Drive) {
    this.#run = run;
  }

  async run(): Promise<Session> {
    if (this.#run.history.length > 0) this.#state = folded(this.#run.history);
    await this.#record(this.#run.opening, { durable: true });
    // Processes of a killed worker go on writing into the worktrees: they end before anything is looked at or put back.
    await this.#run.ports.host.endLeftovers();
    this.#listen();
    for (;;) {
      const idle = await this.#startWhatIsDue();
      if (idle) return this.#session();
      await this.#take(await this.#mailbox.next());
    }
  }

  async close(): Promise<void> {
    this.#work.abort();
    this.#waiting.abort();
    this.#listening.abort();
    await Promise.allSettled([...this.#inFlight.values(), ...this.#listeners]);
  }

  /** Returns true when nothing is in flight and nothing is left to start. */
  async #startWhatIsDue(): Promise<boolean> {
    for (let conclusions = 0; conclusions < MAX_CONCLUSIONS; conclusions++) {
      const commands = decide(this.#state);
      const conclusion = commands.find(
        (command) => command.kind === "record" && (!command.whenIdle || this.#inFlight.size === 0),
      );
      if (conclusion?.kind === "record") {
        await this.#record(conclusion.events, { durable: false });
        continue;
      }
      for (const command of commands) if (command.kind !== "record") await this.#start(command);
      return this.#inFlight.size === 0;
    }
    throw new Error(`bug: ${String(MAX_CONCLUSIONS)} conclusions in a row, and no end`);
  }

  async #start(command: Effect): Promise<void> {
    const key = keyOf(command);
    if (this.#inFlight.has(key)) return;
    const announcement = this.#run.performer.announce(command, this.#session());
    if (announcement !== null) await this.#record([announcement], { durable: true });
    // What leads to it must not be lost with the power, when it itself cannot be taken back.
    else if (IRREVERSIBLE.has(command.kind)) await this.#run.ports.journal.append([], { durable: true });
    const { signal } = WAITS.has(command.kind) ? this.#waiting : this.#work;
    const done = this.#run.performer.perform(command, this.#session(), signal).then(
      (events) => this.#mailbox.put({ kind: "done", key, events }),
      (error: unknown) => this.#mailbox.put({ kind: "broken", error }),
    );
    this.#inFlight.set(key, done);
  }

  async #take(message: Message): Promise<void> {
    switch (message.kind) {
      case "done":
        this.#inFlight.delete(message.key);
        return this.#record(message.events, { durable: false });
      case "broken":
        throw message.error;
      case "stop":
        return this.#stop(message.reason);
      case "retry-items":
        return this.#record(requeued(this.#session(), message.items), { durable: false });
    }
  }

  /** `pause` lets what runs come to its end; everything else ends it now, also where the session has failed meanwhile. */
  async #stop(reason: PauseReason): Promise<void> {
    const { status, stopping } = this.#session();
    this.#waiting.abort(reason);
    if (reason.kind !== "pause") this.#work.abort(reason);
    if (status !== "running") return;
    const isHarder = stopping?.kind === "pause" && reason.kind !== "pause";
    if (stopping === null || isHarder) await this.#record([{ type: "pause-requested", reason }], { durable: false });
  }

  #listen(): void {
    const { stop, ports } = this.#run;
    const onStop = (): void => this.#mailbox.put({ kind: "stop", reason: reasonOf(stop) });
    if (stop.aborted) onStop();
    stop.addEventListener("abort", onStop, { signal: this.#listening.signal });
    this.#listeners.push(this.#drainInbox(ports.inbox));
  }

  async #drainInbox(inbox: Ports["inbox"]): Promise<void> {
    for (;;) {
      const request = await inbox.next(this.#listening.signal);
      if (request === null) return;
      this.#mailbox.put(request.kind === "retry-items" ? request : { kind: "stop", reason: request });
    }
  }

  async #record(bodies: readonly EventBody[], options: { readonly durable: boolean }): Promise<void> {
    if (bodies.length === 0) return;
    const at = this.#run.ports.clock.now();
    const recorded = await this.#run.ports.journal.append(
      bodies.map((body) => ({ ...body, at })),
      options,
    );
    for (const event of recorded) {
      this.#state = evolve(this.#state, event);
      this.#run.observe(event, this.#session());
    }
  }

  #session(): Session {
    if (this.#state.kind === "none") throw new Error("bug: a journal without session-started");
    return this.#state;
  }
}

function reasonOf(stop: AbortSignal): PauseReason {
  const reason: unknown = stop.reason;
  return isPauseReason(reason) ? reason : { kind: "stop" };
}

function isPauseReason(reason: unknown): reason is PauseReason {
  return typeof reason === "object" && reason !== null && "kind" in reason && !(reason instanceof Error);
}
