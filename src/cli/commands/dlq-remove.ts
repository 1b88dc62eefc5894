/** `prodigy dlq purge` and `clear`: taking dead letters out of the queue. */
import { chooseLetters, removeDeadLetters } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { inputFault } from "../workflow-file.ts";
import { EMPTY, queueOf, sessionOption } from "./dlq-queue.ts";
import { repositoryPath } from "./run.ts";

const DAY_MS = 86_400_000;

/** `prodigy dlq purge [ID] --older-than-days N` */
export const purge: Run = async (invocation) => {
  const days = invocation.values.number("older-than-days");
  if (days === null) throw new UsageError("missing required argument: --older-than-days N");
  return remove(invocation, { reason: "purged", until: invocation.shell.now() - days * DAY_MS });
};

/** `prodigy dlq clear [ID]` */
export const clear: Run = async (invocation) => remove(invocation, { reason: "cleared", until: null });

interface Removal {
  readonly reason: "purged" | "cleared";
  readonly until: number | null;
}

async function remove(invocation: Invocation, { reason, until }: Removal): Promise<number> {
  const { shell, args, values, json } = invocation;
  const queue = await queueOf(invocation, args[0] ?? sessionOption(invocation));
  if (!queue.ok) return refuse(invocation, queue.fault);
  const chosen = chooseLetters(queue.value?.letters ?? [], { until });
  if (!chosen.ok) return refuse(invocation, chosen.fault);
  const items = chosen.value.letters.map(({ item_id: id }) => id);
  const session = queue.value?.session ?? null;
  if (items.length === 0 || session === null) {
    if (json) printJson(shell.stdout, { session, removed: [] });
    else shell.stdout.write(session === null ? EMPTY : "No dead letters are that old.\n");
    return EXIT_CODES.done;
  }
  if (!values.flag("yes")) {
    const question = `Take ${plural(items.length, "item")} of session ${session} out of the dead letter queue for good?`;
    const answer = json ? "nobody" : await shell.confirm(question, shell.stop);
    if (answer !== "yes") return refuse(invocation, inputFault("nothing was taken out", "-y answers the question"));
  }
  const where = { env: shell.env, path: repositoryPath(invocation) };
  const removed = await removeDeadLetters({ ...where, session, items, reason });
  if (!removed.ok) return refuse(invocation, removed.fault);
  if (json) printJson(shell.stdout, { session, removed: removed.value });
  else shell.stdout.write(`Took ${plural(removed.value.length, "item")} out of the dead letter queue.\n`);
  return EXIT_CODES.done;
}
