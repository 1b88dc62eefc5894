/** Which session's dead letters a command is about, and which of them. */
import { chooseLetters, type DeadLetter, type DeadLetterQueue, type Outcome, readDeadLetters } from "../../index.ts";
import type { Invocation } from "../shell.ts";
import { UsageError } from "../values.ts";
import { repositoryPath } from "./run.ts";

export const EMPTY = "No items in the dead letter queue.\n";

/** The session that was named, else the newest one that has dead letters, which is then told. Null when none has. */
export async function queueOf(
  invocation: Invocation,
  named: string | null | undefined,
): Promise<Outcome<DeadLetterQueue | null>> {
  const { shell, json } = invocation;
  const queue = await readDeadLetters({ env: shell.env, path: repositoryPath(invocation), session: named ?? null });
  if (queue.ok && queue.value !== null && (named ?? null) === null) {
    const isForPrograms = json || (invocation.allows("format") && invocation.args[0] === undefined);
    (isForPrograms ? shell.stderr : shell.stdout).write(`Newest session with dead letters: ${queue.value.session}\n`);
  }
  return queue;
}

export interface ChosenLetters {
  readonly session: string | null;
  readonly letters: readonly DeadLetter[];
  /** How many there are in the queue. */
  readonly total: number;
}

/** Those that the options ask for. */
export async function chosenLetters(
  invocation: Invocation,
  named: string | undefined,
): Promise<Outcome<ChosenLetters>> {
  const wish = wishOf(invocation);
  // A filter that cannot be read is told also where there is nothing to be filtered.
  const checked = chooseLetters([], wish);
  if (!checked.ok) return checked;
  const queue = await queueOf(invocation, named ?? sessionOption(invocation));
  if (!queue.ok) return queue;
  const letters = queue.value?.letters ?? [];
  const chosen = chooseLetters(letters, wish);
  if (!chosen.ok) return chosen;
  for (const warning of chosen.value.warnings) invocation.shell.stderr.write(`Warning: ${warning}\n`);
  const session = queue.value?.session ?? null;
  return { ok: true, value: { session, letters: chosen.value.letters, total: letters.length } };
}

/** `--job-id`, where a session's id is not an argument or was written as it used to be. */
export function sessionOption({ values, allows }: Invocation): string | null {
  return allows("job-id") ? values.text("job-id") : null;
}

const TYPES: ReadonlySet<string> = new Set(
  "timeout commandfailed commitvalidationfailed worktreeerror mergeconflict validationfailed resourceexhausted unknown".split(
    " ",
  ),
);

export function wishOf({ shell, values, allows }: Invocation): Parameters<typeof chooseLetters>[1] {
  const text = (name: string): string | null => (allows(name) ? values.text(name) : null);
  const type = text("type");
  if (type !== null && !TYPES.has(type.toLowerCase()))
    throw new UsageError(
      `invalid value '${type}' for '--type <TYPE>': Timeout, CommandFailed, CommitValidationFailed, WorktreeError, MergeConflict, ValidationFailed, ResourceExhausted or Unknown is needed`,
    );
  const age = allows("since") ? values.duration("since") : null;
  return {
    items: allows("item") ? values.list("item") : [],
    group: text("group"),
    type,
    eligible: allows("eligible") && values.flag("eligible"),
    filter: text("filter"),
    since: age === null ? null : shell.now() - age,
  };
}
