/** `prodigy dlq retry [ID]`: items that failed, once more. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Amendment, type DeadLetter, type Outcome, requestRetry, retryDeadLetters } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { expandHome, inputFault, unreadable } from "../workflow-file.ts";
import { chosenLetters, EMPTY } from "./dlq-queue.ts";
import { repositoryPath } from "./run.ts";

export const retry: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const amendment = await amendmentOf(invocation);
  if (!amendment.ok) return refuse(invocation, amendment.fault);
  const found = await chosenLetters(invocation, args[0]);
  if (!found.ok) return refuse(invocation, found.fault);
  const { session, letters, total } = found.value;
  if (session === null || total === 0) {
    if (json) printJson(shell.stdout, { session: null, retried: [] });
    else shell.stdout.write(EMPTY);
    return EXIT_CODES.done;
  }
  const force = values.flag("force");
  const chosen = letters.filter(({ reprocess_eligible: is }) => is || force);
  if (chosen.length === 0) return refuse(invocation, nothingChosen(letters, total));
  const left = letters.length - chosen.length;
  if (left > 0) shell.stderr.write(`Left out: ${plural(left, "item")} not eligible for a retry (--force takes all)\n`);
  const items = chosen.map(({ item_id: id }) => id);
  const where = { env: shell.env, path: repositoryPath(invocation) };
  if (!isAmended(amendment.value)) {
    const asked = await requestRetry({ ...where, session, items });
    if (!asked.ok) return refuse(invocation, asked.fault);
    if (asked.value !== null) return tellAsked(invocation, { ...asked.value, items });
  }
  return watchSession(invocation, {
    begin: (watching) =>
      retryDeadLetters({
        ...watching,
        ...where,
        session,
        items,
        takeOver: values.flag("take-over"),
        amendment: amendment.value,
        yes: values.flag("yes"),
        agent: values.text("agent"),
      }),
  });
};

interface Asked {
  readonly session: string;
  readonly pid: number;
  readonly items: readonly string[];
}

function tellAsked({ shell, json }: Invocation, asked: Asked): number {
  const { session, pid, items } = asked;
  if (json) printJson(shell.stdout, { session, pid, requested: items });
  else
    shell.stdout.write(
      `Asked session ${session}, which is running (process ${String(pid)}), to try ${plural(items.length, "item")} again.\n`,
    );
  return EXIT_CODES.done;
}

/** A running session tries them as its workflow says; with anything else its lock says why it cannot be. */
function isAmended(amendment: Amendment): boolean {
  return Object.values(amendment).some((value) => value !== null);
}

async function amendmentOf({ shell, values }: Invocation): Promise<Outcome<Amendment>> {
  const file = values.text("prompt-file");
  const text = values.text("prompt-append");
  if (file !== null && text !== null) throw new UsageError("--prompt-append and --prompt-file cannot be used together");
  let prompt = text;
  if (file !== null) {
    try {
      prompt = (await readFile(resolve(shell.cwd, expandHome(file, shell.env)), "utf8")).trimEnd();
    } catch (error) {
      return { ok: false, fault: unreadable(file, error) };
    }
  }
  return {
    ok: true,
    value: {
      parallel: values.number("parallel"),
      attempts: values.number("max-retries"),
      timeoutMs: values.duration("timeout"),
      model: values.text("model"),
      prompt,
    },
  };
}

function nothingChosen(letters: readonly DeadLetter[], total: number): ReturnType<typeof inputFault> {
  if (letters.length === 0) {
    const message = `none of the ${plural(total, "dead letter")} fits`;
    return { ...inputFault(message, "list them with: prodigy dlq list"), kind: "file" };
  }
  const message = `none of these ${plural(letters.length, "item")} is eligible for a retry: the same would fail again`;
  return { ...inputFault(message, "mend the cause first; then take them with --force"), kind: "file" };
}
