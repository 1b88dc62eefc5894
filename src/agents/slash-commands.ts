import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Fault } from "../cook/decision/event.ts";
import type { AgentRun } from "../cook/ports.ts";
import { fault } from "../system/fault.ts";
import type { AgentEvent } from "./contract.ts";

export interface SlashVerdict {
  /** Why the run must not begin. */
  readonly fault: Fault | null;
  /** Looks at what the running program says, where nothing could be known before. */
  readonly objection: (event: AgentEvent) => Fault | null;
}

/**
 * Some versions send an unknown command to the model as plain text and call whatever comes of it a success. So the
 * name is looked up among the files, and then among what the program answers when it is asked; both cost nothing. A
 * program that gives no answer is ended as soon as it says what it knows, which is before it has cost more than a moment.
 */
export async function judgeSlashCommand(
  run: Pick<AgentRun, "prompt" | "resume" | "directory" | "env">,
  ask: () => Promise<readonly string[] | null>,
): Promise<SlashVerdict> {
  const name = run.resume ? null : commandName(run.prompt);
  if (name === null || existsSync(`/${name}`) || hasCommandFile(name, run)) return NO_DOUBT;
  const known = await ask();
  if (known === null) return { fault: null, objection: (event) => objectionTo(name, event) };
  return known.includes(name) ? NO_DOUBT : { ...NO_DOUBT, fault: unknownCommand(name, known, "not started") };
}

const NO_DOUBT: SlashVerdict = { fault: null, objection: () => null };

function objectionTo(name: string, event: AgentEvent): Fault | null {
  if (event.kind !== "session" || event.commands === null || event.commands.length === 0) return null;
  return event.commands.includes(name) ? null : unknownCommand(name, event.commands, "stopped");
}

/** The command that a prompt begins with. `/usr/bin is full` begins with a path and not with a command. */
export function commandName(prompt: string): string | null {
  return /^\/([A-Za-z][A-Za-z0-9_-]*(?::[A-Za-z0-9_.-]+)*)(?=\s|$)/.exec(prompt)?.[1] ?? null;
}

function hasCommandFile(name: string, run: Pick<AgentRun, "directory" | "env">): boolean {
  const path = name.split(":");
  const user =
    run.env["CLAUDE_CONFIG_DIR"] ?? (run.env["HOME"] === undefined ? null : join(run.env["HOME"], ".claude"));
  const folders = [
    ...upwards(run.directory).map((folder) => join(folder, ".claude")),
    ...(user === null ? [] : [user]),
  ];
  return folders.some(
    (folder) =>
      existsSync(`${join(folder, "commands", ...path)}.md`) || existsSync(join(folder, "skills", ...path, "SKILL.md")),
  );
}

function upwards(directory: string): readonly string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...upwards(parent)];
}

function unknownCommand(name: string, known: readonly string[], was: "not started" | "stopped"): Fault {
  const near = known.filter((candidate) => isNear(name, candidate)).slice(0, 3);
  const help = near.length === 0 ? "" : ` Did you mean ${near.map((candidate) => `/${candidate}`).join(" or ")}?`;
  return fault(
    "agent",
    `The agent claude was ${was}: it knows no command /${name}, and would take the prompt for plain text.`,
    `A command is a file .claude/commands/${name.replaceAll(":", "/")}.md that is committed in the repository, or in the user's own folder.${help} Plain text must not begin with a slash and a word.`,
  );
}

function isNear(a: string, b: string): boolean {
  if (a.length >= 4 && (b.includes(a) || (b.length >= 4 && a.includes(b)))) return true;
  return distance(a.toLowerCase(), b.toLowerCase()) <= Math.max(1, Math.floor(a.length / 4));
}

/** How many letters must be changed, added or taken away. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of a.split("").entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
