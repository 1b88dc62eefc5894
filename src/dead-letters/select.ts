/** Which dead letters somebody means. */
import type { Outcome } from "../cook/ports.ts";
import { evaluate, parseExpression, truthy } from "../workflow/expression.ts";
import { isRecord } from "../workflow/path.ts";
import type { Problem } from "../workflow/problem.ts";
import { createScope, type Scope } from "../workflow/scope.ts";
import { typeName } from "./classify.ts";
import type { DeadLetter } from "./letter.ts";

/** All that is given must hold. */
export interface LetterWish {
  /** Empty: all. */
  readonly items?: readonly string[];
  /** A signature, or the beginning of one. */
  readonly group?: string | null;
  /** Such as `Timeout`; one of the attempts had it. */
  readonly type?: string | null;
  /** Only those that may be tried again without looking. */
  readonly eligible?: boolean;
  /** An expression about the letter's fields, and `item` for its data. */
  readonly filter?: string | null;
  /** Only those that failed last at or after this moment, in milliseconds since the epoch. */
  readonly since?: number | null;
  /** Only those that failed last before this moment. */
  readonly until?: number | null;
}

export interface Chosen {
  /** The last failed first. */
  readonly letters: readonly DeadLetter[];
  /** Comparisons of the filter that make no sense, and ids that are not in the queue. */
  readonly warnings: readonly string[];
}

export function chooseLetters(letters: readonly DeadLetter[], wish: LetterWish): Outcome<Chosen> {
  const filter = wish.filter ?? null;
  const parsed = filter === null ? null : parseExpression(filter);
  if (parsed !== null && !parsed.ok) return malformed(filter ?? "", parsed.problem);
  const warnings = new Set<string>();
  const known = new Set(letters.map(({ item_id: id }) => id));
  for (const id of wish.items ?? []) if (!known.has(id)) warnings.add(`item ${id} is not in the dead letter queue`);
  const fits = (letter: DeadLetter): boolean => {
    if (!isPlainlyMeant(letter, wish)) return false;
    if (parsed === null) return true;
    const result = evaluate(parsed.expression, scopeOf(letter), "filter");
    if (!result.ok) return false;
    for (const { message } of result.warnings) warnings.add(`filter: ${message}`);
    return truthy(result.value);
  };
  const chosen = letters.filter(fits).toSorted((a, b) => (a.last_attempt < b.last_attempt ? 1 : -1));
  return { ok: true, value: { letters: chosen, warnings: [...warnings] } };
}

function isPlainlyMeant(letter: DeadLetter, wish: LetterWish): boolean {
  const { items = [], group = null, type = null, eligible = false, since = null, until = null } = wish;
  const lastAt = Date.parse(letter.last_attempt);
  return (
    (items.length === 0 || items.includes(letter.item_id)) &&
    (group === null || (group !== "" && letter.error_signature.startsWith(group.toLowerCase()))) &&
    (type === null || letter.failure_history.some((failure) => isOfType(failure.error_type, type))) &&
    (!eligible || letter.reprocess_eligible) &&
    (since === null || lastAt >= since) &&
    (until === null || lastAt < until)
  );
}

function isOfType(type: DeadLetter["failure_history"][number]["error_type"], wanted: string): boolean {
  return typeName(type).toLowerCase() === wanted.toLowerCase();
}

/** Fields of the item stand as bare names too, below those of the letter. */
function scopeOf(letter: DeadLetter): Scope {
  const { item_data: item, failure_history: history, ...fields } = letter;
  const last = history.at(-1);
  const type = last?.error_type ?? "Unknown";
  return createScope([
    { values: isRecord(item) ? item : {} },
    {
      values: {
        ...fields,
        item,
        error_type: typeName(type),
        exit_code: typeof type === "string" ? null : type.CommandFailed.exit_code,
        error_message: last?.error_message ?? "",
        step_failed: last?.step_failed ?? null,
      },
    },
  ]);
}

function malformed(text: string, { message, offset, help }: Problem): Outcome<never> {
  return {
    ok: false,
    fault: {
      kind: "expression",
      message: `the filter cannot be read: ${message}`,
      exitCode: null,
      lastLines: [],
      help: help ?? "write it as in: item.priority == 'high' && failure_count < 3",
      at: { file: "--filter", line: 1, column: offset + 1, text },
      logs: [],
    },
  };
}
