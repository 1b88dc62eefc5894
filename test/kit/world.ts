/**
 * A world in memory that survives its process: a disk with a journal, worktrees, commits and agents' sessions. Every side
 * effect counts; the nth one kills the process, before, in the middle or after, and from then on nothing works any more
 * until the next worker comes. What was on "disk" stays, torn writes included.
 */
import type {
  Changes,
  Commit,
  Event,
  EventBody,
  Fault,
  LaneId,
  Recorded,
  TreeState,
  Usage,
} from "../../src/cook/decision/event.ts";
import { MAIN, type Session } from "../../src/cook/decision/state.ts";
import { fault } from "../../src/cook/decision/fault.ts";
import { drive } from "../../src/cook/orchestrator.ts";
import { createPerformer } from "../../src/cook/execution/perform.ts";
import type { AgentResult, CommandResult, CommandRun, Ports, TreesPort } from "../../src/cook/ports.ts";
import type { Workflow } from "../../src/workflow/model.ts";

export class Crash extends Error {}

type Files = ReadonlyMap<string, string>;
interface StoredCommit {
  readonly hash: string;
  readonly parent: string | null;
  /** The other side of a merge. */
  readonly other: string | null;
  readonly message: string;
  readonly files: Files;
}

interface Tree {
  head: string;
  /** Where it was prepared at. */
  readonly start?: string;
  /** The commit that is being merged. */
  merging?: string;
  files: Map<string, string>;
}

const NO_USAGE = {
  costUsd: null,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  turns: null,
};

export class World {
  /** What has been written of the journal, torn last line included. */
  journal = "";
  /** Up to here the disk has it even if the power fails. */
  #synced = 0;
  readonly commits = new Map<string, StoredCommit>();
  readonly snapshots = new Map<string, Files>();
  readonly trees = new Map<LaneId, Tree>();
  readonly salvaged: { readonly reason: string; readonly files: Files; readonly head: string }[] = [];
  readonly branches = new Map<string, string>();
  /** How far each agent session has come: agents remember that themselves. */
  readonly agentSessions = new Map<string, number>();
  /** What was executed, in order: the script line and how often. */
  readonly executed = new Map<string, number>();
  now = 1_000_000;
  effects = 0;
  /** Whether agents forget their sessions when the process dies. */
  forgetful = false;
  answer: "yes" | "no" | "nobody" = "yes";
  /** What the logs tell of an agent that died. */
  logged: Usage | null = null;
  /** Whether delays last until somebody ends them; otherwise they are over at once. */
  waits = false;
  /** Whether agents that are asked to resolve a merge do so. */
  resolves = false;
  /** Worktrees of the pool that nobody has. */
  free = 0;
  /** How many worktrees there were at once. */
  mostTrees = 0;
  /** Asked before a worktree is made or looked at: a promise holds it up, false makes it fail. */
  door: (lane: LaneId) => Promise<boolean> = () => Promise.resolve(true);
  #left = Number.POSITIVE_INFINITY;
  #dead = false;
  #ids = 0;
  #lines = 0;

  constructor() {
    this.#commit(null, "base", new Map([["README.md", "hello"]]));
    this.branches.set("main", "c1");
  }

  /** The nth effect from now on is the last one of the present process. */
  crashAfter(effects: number): void {
    this.#left = effects;
    this.#dead = false;
  }

  /** What the next worker finds gone. */
  restart(): void {
    if (this.forgetful) this.agentSessions.clear();
  }

  /** Everything that was not synced is gone as well. */
  losePower(): void {
    this.journal = this.journal.slice(0, this.#synced);
  }

  history(): Recorded[] {
    this.journal = this.journal.slice(0, this.journal.lastIndexOf("\n") + 1);
    this.#synced = this.journal.length;
    const events = this.journal
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Recorded);
    this.#lines = events.length;
    return events;
  }

  #tick(): void {
    if (this.#dead) throw new Crash();
    this.effects++;
    this.now++;
    this.#left--;
    if (this.#left <= 0) {
      this.#dead = true;
      throw new Crash();
    }
  }

  /** A side effect: it may die before it or after it. */
  async #effect<T>(act: () => T): Promise<T> {
    await Promise.resolve();
    this.#tick();
    const value = act();
    this.#tick();
    return value;
  }

  #commit(parent: string | null, message: string, files: Files, other: string | null = null): string {
    const hash = `c${String(this.commits.size + 1)}`;
    this.commits.set(hash, { hash, parent, other, message, files: new Map(files) });
    return hash;
  }

  log(from: string): readonly string[] {
    const messages: string[] = [];
    for (let at: string | null = from; at !== null; at = this.commits.get(at)?.parent ?? null)
      messages.unshift(this.commits.get(at)?.message ?? "?");
    return messages;
  }

  filesAt(commit: string): Files {
    return this.commits.get(commit)?.files ?? new Map();
  }

  ports(): Ports {
    return {
      clock: {
        now: () => this.now,
        sleep: async (ms, signal) => {
          await Promise.resolve();
          if (!this.waits) this.now += ms;
          else if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
      random: { uuid: () => `id-${String(++this.#ids)}`, unit: () => 0.5 },
      journal: { append: (events, options) => this.#append(events, options) },
      inbox: { next: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(null))) },
      records: {
        each: async (type, visit) => {
          await Promise.resolve();
          for (const line of this.journal.split("\n").slice(0, -1)) {
            const event = JSON.parse(line) as Recorded;
            if (event.type === type) visit(event);
          }
        },
      },
      trees: this.#treesPort(),
      commands: { run: (run, signal) => this.#runScript(run, signal) },
      agents: {
        canResume: () => true,
        usageFromLog: () => Promise.resolve(this.logged),
        run: (run, signal) => this.#runAgent(run.lane, run.prompt, run, signal),
      },
      files: {
        read: ({ path }) => this.#effect(() => ({ ok: true, value: this.#tree(MAIN).files.get(path) ?? null })),
        write: ({ path, content }) =>
          this.#effect(() => {
            this.#tree(MAIN).files.set(path, content);
            return { ok: true, value: { path, bytes: content.length } };
          }),
        list: ({ patterns }) =>
          this.#effect(() => ({
            ok: true,
            value: [...this.#tree(MAIN).files.keys()].filter((path) => patterns.includes(path)).toSorted(),
          })),
        analyze: () => this.#effect(() => ({ ok: true, value: { facts: { files: 1 }, cached: false } })),
      },
      host: {
        env: { PATH: "/bin" },
        readText: () => Promise.resolve({ ok: true, value: null }),
        endLeftovers: () => this.#effect(() => 0),
        portsFor: (slot) => Promise.resolve(20_000 + 10 * slot),
        freeBytes: () => Promise.resolve(1e12),
      },
      masker: { add: () => undefined, mask: (text) => text, seal: (text) => text, unseal: (text) => text },
      person: { confirm: () => this.#effect(() => this.answer) },
      logs: {
        name: ({ lane, sequence }) => ({
          stdout: `${lane}/${String(sequence)}.stdout`,
          stderr: `${lane}/${String(sequence)}.stderr`,
          events: `${lane}/${String(sequence)}.jsonl`,
        }),
      },
    };
  }

  async #append(events: readonly Event[], options: { readonly durable: boolean }): Promise<readonly Recorded[]> {
    await Promise.resolve();
    let seq = this.#lines;
    const recorded = events.map((event) => ({ ...event, seq: ++seq }));
    const text = recorded.map((event) => `${JSON.stringify(event)}\n`).join("");
    this.#tick();
    const half = text.length >> 1;
    this.journal += text.slice(0, half);
    this.#tick();
    this.journal += text.slice(half);
    this.#lines = seq;
    if (options.durable) this.#synced = this.journal.length;
    this.#tick();
    return recorded;
  }

  #tree(lane: LaneId): Tree {
    const tree = this.trees.get(lane);
    if (tree === undefined) throw new Error(`no worktree for ${lane}`);
    return tree;
  }

  #state(tree: Tree): TreeState {
    if (sameFiles(tree.files, this.filesAt(tree.head))) return { head: tree.head, snapshot: null };
    const id = `s${tree.head}-${JSON.stringify([...tree.files].map(([path, text]) => `${path}=${text}`).toSorted())}`;
    this.snapshots.set(id, new Map(tree.files));
    return { head: tree.head, snapshot: id };
  }

  #filesOf(state: TreeState): Files {
    return state.snapshot === null ? this.filesAt(state.head) : (this.snapshots.get(state.snapshot) ?? new Map());
  }

  #salvage(tree: Tree, to: TreeState, reason: string): string | null {
    const now = this.#state(tree);
    if (now.head === to.head && now.snapshot === to.snapshot) return null;
    this.salvaged.push({ reason, files: new Map(tree.files), head: tree.head });
    return `salvage-${String(this.salvaged.length)}`;
  }

  #treesPort(): TreesPort {
    return {
      prepare: async ({ lane, tree, mode, reason, pool }) => {
        if (!(await this.door(lane))) return { ok: false, fault: fault("git", `no worktree for ${lane}`) };
        const found = await this.#effect(() => this.trees.get(lane) ?? null);
        const fresh = found === null && pool !== undefined && this.free === 0;
        if (found === null) {
          if (pool !== undefined && this.free > 0) await this.#effect(() => this.free--);
          await this.#effect(() =>
            this.trees.set(lane, { head: tree.head, start: tree.head, files: new Map(this.#filesOf(tree)) }),
          );
          this.mostTrees = Math.max(this.mostTrees, this.trees.size);
          return { ok: true, value: { directory: `/${lane}`, tree, salvage: null, fresh } };
        }
        if (mode === "keep")
          return { ok: true, value: { directory: `/${lane}`, tree: this.#state(found), salvage: null, fresh } };
        const salvage = await this.#effect(() => this.#salvage(found, tree, reason));
        await this.#effect(() => {
          found.head = tree.head;
        });
        await this.#effect(() => {
          found.files = new Map(this.#filesOf(tree));
        });
        return { ok: true, value: { directory: `/${lane}`, tree, salvage, fresh } };
      },
      capture: async ({ lane, since }) => {
        const tree = await this.#effect(() => this.#state(this.#tree(lane)));
        return { ok: true, value: { tree, commits: this.#commitsSince(since.head, tree.head) } };
      },
      changes: async ({ from, to }) => {
        await Promise.resolve();
        return { ok: true, value: compare(this.#filesOf(from), this.#filesOf(to)) };
      },
      commit: ({ lane, message }) =>
        this.#effect(() => {
          const tree = this.#tree(lane);
          if (sameFiles(tree.files, this.filesAt(tree.head))) return { ok: true, value: null };
          tree.head = this.#commit(tree.head, message, tree.files);
          return { ok: true, value: tree.head };
        }),
      salvage: async ({ lane, to, reason }) => {
        const tree = this.#tree(lane);
        const name = await this.#effect(() => this.#salvage(tree, to, reason));
        await this.#effect(() => {
          tree.head = to.head;
          tree.files = new Map(this.#filesOf(to));
        });
        return { ok: true, value: name };
      },
      mergeLane: async ({ lane, from, into, message }) => {
        const target = this.#tree(into);
        const base = this.#mergeBase(from.head, target.head);
        if (base === from.head) return { ok: true, value: { kind: "merged", tree: this.#state(target), commits: 0 } };
        const theirs = compare(this.filesAt(base), this.filesAt(from.head));
        const ours = compare(this.filesAt(base), target.files);
        const both = paths(theirs).filter(
          (path) => paths(ours).includes(path) && target.files.get(path) !== this.filesAt(from.head).get(path),
        );
        if (both.length > 0) return { ok: true, value: { kind: "conflict", paths: both } };
        await this.#effect(() => {
          const already = this.log(target.head).includes(`${message} ${lane}`);
          if (already) return;
          for (const path of paths(theirs)) setOrDelete(target.files, path, this.filesAt(from.head).get(path));
          target.head = this.#commit(target.head, `${message} ${lane}`, target.files);
        });
        return { ok: true, value: { kind: "merged", tree: this.#state(target), commits: 1 } };
      },
      combine: async ({ base, head, message }) => {
        await Promise.resolve();
        const conflicts = this.#conflicts(base, head);
        if (conflicts.length > 0) return { ok: true, value: { kind: "conflict", paths: conflicts } };
        const since = this.#mergeBase(base, head);
        if (since === head) return { ok: true, value: { kind: "merged", commit: base, commits: 0 } };
        if (message === null) return { ok: true, value: { kind: "merged", commit: "", commits: 0 } };
        const files = new Map(this.filesAt(base));
        for (const path of paths(compare(this.filesAt(since), this.filesAt(head))))
          setOrDelete(files, path, this.filesAt(head).get(path));
        const commit = await this.#effect(() => this.#commit(base, message, files, head));
        return { ok: true, value: { kind: "merged", commit, commits: this.#commitsSince(since, head).length } };
      },
      advance: async ({ lane, to }) => {
        const tree = this.#tree(lane);
        const from = this.filesAt(tree.head);
        await this.#effect(() => {
          for (const path of paths(compare(from, this.filesAt(to))))
            setOrDelete(tree.files, path, this.filesAt(to).get(path));
          tree.head = to;
        });
        return { ok: true, value: { tree: this.#state(tree), salvage: null } };
      },
      mergeInto: async ({ lane, commit, message }) => {
        const tree = this.#tree(lane);
        const since = this.#mergeBase(tree.head, commit);
        if (since === commit) return { ok: true, value: { tree: this.#state(tree), conflicts: [] } };
        const conflicts = this.#conflicts(tree.head, commit);
        await this.#effect(() => {
          for (const path of paths(compare(this.filesAt(since), this.filesAt(commit))))
            setOrDelete(tree.files, path, this.filesAt(commit).get(path));
          // What is still in conflict is for the agent to merge: its commit has both sides as parents.
          if (conflicts.length === 0) tree.head = this.#commit(tree.head, message, tree.files, commit);
          else tree.merging = commit;
        });
        return { ok: true, value: { tree: this.#state(tree), conflicts } };
      },
      release: async ({ lane, merged, reason }) => {
        const tree = this.trees.get(lane);
        if (tree === undefined) return { ok: true, value: { salvage: null } };
        const isHeld = sameFiles(tree.files, this.filesAt(tree.head)) && (merged !== null || tree.start === tree.head);
        const salvage = await this.#effect(() =>
          isHeld ? null : this.#salvage(tree, { head: "", snapshot: null }, reason),
        );
        await this.#effect(() => {
          this.trees.delete(lane);
          this.free++;
        });
        return { ok: true, value: { salvage } };
      },
      dropPool: async () => {
        await this.#effect(() => (this.free = 0));
        return { ok: true, value: null };
      },
      planLanding: async ({ base }) => {
        const tree = await this.#effect(() => this.#tree(MAIN));
        const commits = this.#commitsSince(base, tree.head).length;
        return {
          ok: true,
          value: {
            commits,
            changes: compare(this.filesAt(base), this.filesAt(tree.head)),
            leftovers: [],
            obstacle: null,
          },
        };
      },
      mergeTarget: async () => {
        const tree = await this.#effect(() => this.#state(this.#tree(MAIN)));
        return { ok: true, value: { tree, conflicts: [] } };
      },
      land: async ({ target }) => {
        const tree = this.#tree(MAIN);
        const previous = this.branches.get(target) ?? "";
        if (this.log(previous).length >= this.log(tree.head).length)
          return { ok: true, value: { kind: "landed", commit: previous, previous, how: "already" } };
        await this.#effect(() => this.branches.set(target, tree.head));
        return { ok: true, value: { kind: "landed", commit: tree.head, previous, how: "fast-forward" } };
      },
      remove: async ({ lane, reason }) => {
        const tree = this.trees.get(lane);
        if (tree === undefined) return { ok: true, value: { salvage: null } };
        const salvage = await this.#effect(() =>
          sameFiles(tree.files, this.filesAt(tree.head))
            ? null
            : this.#salvage(tree, { head: tree.head, snapshot: null }, reason),
        );
        await this.#effect(() => this.trees.delete(lane));
        return { ok: true, value: { salvage } };
      },
    };
  }

  /** Paths that both sides have changed since they parted, and not alike. */
  #conflicts(ours: string, theirs: string): readonly string[] {
    const since = this.filesAt(this.#mergeBase(ours, theirs));
    const mine = paths(compare(since, this.filesAt(ours)));
    return paths(compare(since, this.filesAt(theirs))).filter(
      (path) => mine.includes(path) && this.filesAt(ours).get(path) !== this.filesAt(theirs).get(path),
    );
  }

  #ancestors(commit: string): ReadonlySet<string> {
    const found = new Set<string>();
    const visit = (at: string | null): void => {
      if (at === null || found.has(at)) return;
      found.add(at);
      visit(this.commits.get(at)?.parent ?? null);
      visit(this.commits.get(at)?.other ?? null);
    };
    visit(commit);
    return found;
  }

  /** The newest commit that both contain. Commits are numbered in the order in which they were made. */
  #mergeBase(a: string, b: string): string {
    const ancestors = this.#ancestors(a);
    const common = [...this.#ancestors(b)].filter((commit) => ancestors.has(commit));
    const newest = common.toSorted((one, two) => Number(two.slice(1)) - Number(one.slice(1)))[0];
    if (newest === undefined) throw new Error("unrelated histories");
    return newest;
  }

  #commitsSince(from: string, to: string): readonly Commit[] {
    const commits: Commit[] = [];
    for (let at: string | null = to; at !== null && at !== from; at = this.commits.get(at)?.parent ?? null) {
      const commit = this.commits.get(at);
      if (commit === undefined) break;
      commits.unshift({
        hash: at,
        message: commit.message,
        author: "a",
        at: 0,
        changes: compare(commit.parent === null ? new Map() : this.filesAt(commit.parent), commit.files),
      });
    }
    return commits;
  }

  /**
   * Scripts have one command a line: `write PATH TEXT`, `append PATH TEXT`, `delete PATH`, `commit MESSAGE`, `say TEXT`, `fail CODE`,
   * `need PATH` (fails unless the file is there), `together PATH PATH` (fails when both are), `take MS` (time goes by), `once NAME` (fails the first time, whatever
   * becomes of the files).
   */
  async #runScript({ lane, script, env, timeoutMs }: CommandRun, signal: AbortSignal): Promise<CommandResult> {
    const output: string[] = [];
    const end = this.now + (timeoutMs ?? Number.POSITIVE_INFINITY);
    let exitCode = 0;
    for (const line of script.trim().split("\n")) {
      if (signal.aborted) return result(null, output.join("\n"), "stopped");
      if (this.now > end) return result(null, output.join("\n"), "timeout");
      exitCode = await this.#effect(() => this.#line(lane, line.trim(), output, env));
      if (exitCode !== 0) break;
    }
    if (this.now > end) return result(null, output.join("\n"), "timeout");
    return result(exitCode, output.join("\n"), "exited");
  }

  async #runAgent(
    lane: LaneId,
    prompt: string,
    run: { readonly sessionId: string; readonly resume: boolean },
    signal: AbortSignal,
  ): Promise<AgentResult> {
    const isAsked = this.resolves && this.#tree(lane).merging !== undefined;
    const lines = isAsked ? ["commit the resolution"] : prompt.trim().split("\n");
    if (run.resume && !this.agentSessions.has(run.sessionId)) {
      await this.#effect(() => undefined);
      return {
        ended: "exited",
        ok: false,
        exitCode: 1,
        text: "",
        stderr: "",
        durationMs: 1,
        usage: NO_USAGE,
        fault: null,
        resetsAt: null,
        denied: [],
        couldNotResume: true,
      };
    }
    const output: string[] = [];
    let exitCode = 0;
    let cut: Fault["kind"] | null = null;
    for (
      let at = run.resume ? (this.agentSessions.get(run.sessionId) ?? 0) : 0;
      at < lines.length && exitCode === 0 && cut === null;
      at++
    ) {
      if (signal.aborted) break;
      exitCode = await this.#effect(() => {
        cut = this.#cutOff((lines[at] ?? "").trim());
        const code = this.#line(lane, (lines[at] ?? "").trim(), output, {});
        // What it could not do is still to be done.
        this.agentSessions.set(run.sessionId, code === 0 ? at + 1 : at);
        return code;
      });
    }
    if (cut !== null) exitCode = 1;
    const failed: Fault | null =
      exitCode === 0
        ? null
        : {
            kind: cut ?? "agent",
            message: "the agent failed",
            exitCode,
            lastLines: [],
            help: null,
            at: null,
            logs: [],
          };
    return {
      ended: signal.aborted ? "stopped" : "exited",
      ok: exitCode === 0,
      exitCode,
      text: output.join("\n"),
      stderr: "",
      durationMs: 1,
      usage: NO_USAGE,
      fault: failed,
      resetsAt: null,
      denied: [],
      couldNotResume: false,
    };
  }

  /** Agents also know `cut KIND ...`: the first time that very line ends the session with such a fault. */
  #cutOff(line: string): Fault["kind"] | null {
    if (!line.startsWith("cut ") || this.executed.has(line)) return null;
    const kind = line.split(" ")[1];
    return kind === "limit" || kind === "overloaded" ? kind : "agent";
  }

  #line(lane: LaneId, line: string, output: string[], _env: Readonly<Record<string, string>>): number {
    this.executed.set(line, (this.executed.get(line) ?? 0) + 1);
    const tree = this.#tree(lane);
    const [command = "", name = "", ...rest] = line.split(" ");
    const text = rest.join(" ");
    switch (command) {
      case "write":
        tree.files.set(name, text);
        return 0;
      case "append":
        tree.files.set(name, `${tree.files.get(name) ?? ""}${text};`);
        return 0;
      case "delete":
        tree.files.delete(name);
        return 0;
      case "commit":
        tree.head = this.#commit(tree.head, [name, text].join(" ").trim(), tree.files, tree.merging ?? null);
        delete tree.merging;
        return 0;
      case "say":
        output.push([name, text].join(" ").trim());
        return 0;
      case "need":
        return tree.files.has(name) ? 0 : 1;
      case "together":
        return tree.files.has(name) && tree.files.has(text) ? 1 : 0;
      case "fail":
        return Number(name);
      case "take":
        this.now += Number(name);
        return 0;
      case "once":
        return this.executed.get(line) === 1 ? 1 : 0;
      default:
        return 0;
    }
  }
}

function result(exitCode: number | null, stdout: string, ended: CommandResult["ended"]): CommandResult {
  return { exitCode, signal: null, ended, durationMs: 1, stdout, stderr: "", truncated: false, problem: null };
}

function sameFiles(a: Files, b: Files): boolean {
  return a.size === b.size && [...a].every(([path, text]) => b.get(path) === text);
}

function compare(from: Files, to: Files): Changes {
  const added = [...to.keys()].filter((path) => !from.has(path));
  const deleted = [...from.keys()].filter((path) => !to.has(path));
  const modified = [...to].filter(([path, text]) => from.has(path) && from.get(path) !== text).map(([path]) => path);
  return { added, modified, deleted, insertions: added.length + modified.length, deletions: deleted.length };
}

function paths(changes: Changes): readonly string[] {
  return [...changes.added, ...changes.modified, ...changes.deleted];
}

function setOrDelete(files: Map<string, string>, path: string, text: string | undefined): void {
  if (text === undefined) files.delete(path);
  else files.set(path, text);
}

export interface Going {
  readonly inputs?: readonly string[];
  readonly maxIterations?: number;
  readonly keepGoing?: boolean;
  readonly autoLand?: boolean;
  readonly observe?: (event: Recorded, session: Session) => void;
  readonly stop?: AbortSignal;
  /** The workflow is not the one of the journal: `resume --force`. */
  readonly force?: boolean;
}

/** One worker: starts the session, or goes on with it, until it settles or dies. */
export function work(world: World, workflow: Workflow, going: Going = {}): Promise<Session> {
  const history = world.history();
  const ports = world.ports();
  const started: EventBody = {
    type: "session-started",
    order: {
      session: "session-1",
      workflow,
      workflowFile: "test.yml",
      inputs: going.inputs ?? [],
      parameters: {},
      profile: null,
      maxIterations: going.maxIterations ?? 1,
      keepGoing: going.keepGoing ?? false,
      dryRun: false,
      repository: { key: "repo", path: "/repo" },
      base: "c1",
      target: "main",
      branch: "prodigy-session-1",
      parent: null,
      versions: { prodigy: "0", node: "0", git: "0" },
    },
  };
  const changed: EventBody = { type: "workflow-changed", workflow };
  const opened: EventBody = {
    type: "session-opened",
    worker: { pid: 1, startedAt: "", host: "" },
    autoLand: going.autoLand ?? true,
  };
  return drive({
    ports,
    performer: createPerformer({ ports, live: { line: () => undefined, activity: () => undefined } }),
    history,
    opening: [...(history.length === 0 ? [started] : going.force === true ? [changed] : []), opened],
    observe: going.observe ?? (() => undefined),
    stop: going.stop ?? new AbortController().signal,
  });
}
