/** `prodigy dlq`: looking at the items that failed. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { analyzeLetters, type Fault, letterStats, lettersCsv } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural, printable } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { analysisText, letterTable, letterText, statsText } from "../render/letters.ts";
import { refuse } from "../session-run.ts";
import type { Run } from "../shell.ts";
import { expandHome, inputFault } from "../workflow-file.ts";
import { chosenLetters, EMPTY, queueOf, sessionOption } from "./dlq-queue.ts";

/** `prodigy dlq list [ID]` */
export const list: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const found = await chosenLetters(invocation, args[0]);
  if (!found.ok) return refuse(invocation, found.fault);
  const { session, letters, total } = found.value;
  const shownLetters = letters.slice(0, values.number("limit") ?? undefined);
  if (json) printJson(shell.stdout, { session, total, items: shownLetters });
  else if (total === 0) shell.stdout.write(EMPTY);
  else if (letters.length === 0) shell.stdout.write(`None of the ${plural(total, "dead letter")} fits.\n`);
  else {
    shell.stdout.write(letterTable(shownLetters));
    const left = letters.length - shownLetters.length;
    if (left > 0) shell.stdout.write(`and ${String(left)} more\n`);
    shell.stdout.write(
      `\nlook at one with: prodigy dlq inspect ITEM\ntry again with: prodigy dlq retry ${session ?? ""}\n`,
    );
  }
  return EXIT_CODES.done;
};

/** `prodigy dlq inspect ITEM` */
export const inspect: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const [item = ""] = args;
  const queue = await queueOf(invocation, sessionOption(invocation));
  if (!queue.ok) return refuse(invocation, queue.fault);
  const letter = queue.value?.letters.find(({ item_id: id }) => id === item);
  if (letter === undefined) {
    const where = queue.value === null ? "" : ` of session ${queue.value.session}`;
    const fault = inputFault(
      `item ${item} is not in the dead letter queue${where}`,
      "list them with: prodigy dlq list",
    );
    return refuse(invocation, { ...fault, kind: "file" });
  }
  if (json) printJson(shell.stdout, { session: queue.value?.session, ...letter });
  else shell.stdout.write(letterText(letter));
  return EXIT_CODES.done;
};

/** `prodigy dlq analyze [ID]` */
export const analyze: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const found = await chosenLetters(invocation, args[0]);
  if (!found.ok) return refuse(invocation, found.fault);
  const { session, letters } = found.value;
  const analysis = { session, ...analyzeLetters(letters) };
  const file = values.text("export");
  if (file !== null) {
    const written = await saved(invocation, file, `${JSON.stringify(analysis, null, 2)}\n`);
    if (written !== null) return refuse(invocation, written);
  }
  if (json) printJson(shell.stdout, analysis);
  else shell.stdout.write(letters.length === 0 ? EMPTY : analysisText(analysis));
  return EXIT_CODES.done;
};

/** `prodigy dlq stats [ID]` */
export const stats: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const queue = await queueOf(invocation, args[0] ?? sessionOption(invocation));
  if (!queue.ok) return refuse(invocation, queue.fault);
  const sums = letterStats(queue.value?.letters ?? []);
  if (json) printJson(shell.stdout, { session: queue.value?.session ?? null, ...sums });
  else shell.stdout.write(queue.value === null ? EMPTY : statsText(sums));
  return EXIT_CODES.done;
};

/** `prodigy dlq export [FILE]` */
export const exportLetters: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const [file] = args;
  const format = values.text("format") ?? "json";
  if (format !== "json" && format !== "csv")
    return refuse(invocation, inputFault(`invalid value '${format}' for '--format <FORMAT>': json or csv is needed`));
  const found = await chosenLetters(invocation, undefined);
  if (!found.ok) return refuse(invocation, found.fault);
  const { session, letters } = found.value;
  const text = format === "csv" ? lettersCsv(letters) : `${JSON.stringify(letters, null, 2)}\n`;
  if (file === undefined) {
    shell.stdout.write(text);
    return EXIT_CODES.done;
  }
  const fault = await saved(invocation, file, text);
  if (fault !== null) return refuse(invocation, fault);
  if (json) printJson(shell.stdout, { session, file, format, items: letters.length });
  else shell.stdout.write(`Wrote ${plural(letters.length, "item")} to ${printable(file)}.\n`);
  return EXIT_CODES.done;
};

async function saved({ shell }: Parameters<Run>[0], file: string, text: string): Promise<Fault | null> {
  try {
    await writeFile(resolve(shell.cwd, expandHome(file, shell.env)), text);
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ...inputFault(`could not write ${file}: ${why}`), kind: "file" };
  }
}
