/** A failure as a person reads it: what, where in the file, the last words, where there is more, what to do. */
import type { Fault } from "../../index.ts";
import { cut, printable } from "./format.ts";
import type { Style } from "./style.ts";

/** More lines than this push the reason off the screen; the log has them all. */
const SHOWN_LINES = 12;
const SHOWN_WIDTH = 200;

export function failureText(fault: Fault, style: Style): string {
  const { at, lastLines, logs, help } = fault;
  const lines = [style.red(printable(fault.message))];
  if (at !== null) {
    const place = `${at.file}:${String(at.line)}:${String(at.column)}`;
    lines.push(`  ${style.bold(place)}  ${cut(printable(at.text.trim()), SHOWN_WIDTH)}`);
  }
  if (lastLines.length > 0) {
    // Without a log they are no output but a list, such as the paths of a conflict.
    if (logs.length > 0) lines.push("  last lines:");
    for (const line of lastLines.slice(-SHOWN_LINES)) lines.push(style.dim(`    ${cut(printable(line), SHOWN_WIDTH)}`));
  }
  for (const log of logs) lines.push(`  log: ${printable(log)}`);
  if (help !== null) lines.push(`  help: ${printable(help)}`);
  return `${lines.join("\n")}\n`;
}

/** A fault before anything has begun. */
export function errorText(fault: Fault, style: Style): string {
  const text = failureText(fault, style);
  return fault.message.startsWith("error:") ? text : `error: ${text}`;
}
