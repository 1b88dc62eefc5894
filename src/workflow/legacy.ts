/**
 * Spellings of the earlier language that name an agent's command instead of an action: a bare text, `{name: foo}` and
 * `command:`. Their arguments are kept.
 */
import type { Context, StepsPlace } from "./decode.ts";
import { report } from "./decode.ts";
import type { Json } from "./model.ts";
import { reportOld } from "./old-spellings.ts";
import { legacyCommitRequired } from "./legacy-commits.ts";
import { bareTextEdits } from "./old-text.ts";
import type { SourceNode } from "./source-node.ts";
import type { Range } from "./source.ts";

/** A step that is only a text. */
export type BareStep =
  | { readonly kind: "agent"; readonly prompt: string }
  | { readonly kind: "shell"; readonly script: string };

export function bareStep(
  text: string,
  place: StepsPlace,
  where: { readonly at: Range; readonly context: Context },
): BareStep {
  const trimmed = text.trim();
  if (trimmed.startsWith("/")) return { kind: "agent", prompt: trimmed };
  if (place.bareText === "shell") return { kind: "shell", script: text };
  const message = `a step that is only a text is an agent command: this runs "/${trimmed.split("\n")[0]?.slice(0, 60) ?? ""}"`;
  const help = "write `shell: ...` for a script, or `claude: /...` for a prompt";
  const mustCommit = place.isWork && legacyCommitRequired(trimmed, "text");
  const edits = bareTextEdits(where.at, mustCommit, where.context);
  reportOld(where.context, "text", { at: where.at, message, help, edits });
  return { kind: "agent", prompt: `/${trimmed}` };
}

/** `{name: foo, args: [...], options: {...}}` as one command line. */
export function commandLine(name: string, args: readonly string[], options: Readonly<Record<string, Json>>): string {
  const flags = Object.entries(options).flatMap(([key, value]) => {
    if (value === false || value === null) return [];
    return value === true
      ? [`--${key}`]
      : [`--${key}`, quoted(typeof value === "string" ? value : JSON.stringify(value))];
  });
  return [
    `/${name.trim().replace(/^\//u, "")}`,
    ...args.filter((argument) => argument !== "").map(quoted),
    ...flags,
  ].join(" ");
}

/** A step's name that can be a command of the earlier language: one word. */
export const COMMAND_NAME = /^\s*\/?[A-Za-z][\w.:-]*\s*$/u;

export function isCommandName(name: string): boolean {
  return COMMAND_NAME.test(name);
}

/** An argument with blanks stays one argument. */
function quoted(argument: string): string {
  return /\s/u.test(argument) && !/^(["']).*\1$/su.test(argument) ? `"${argument.replaceAll('"', '\\"')}"` : argument;
}

/** `command:` on a step: an agent command if it looks like one, else nobody can tell. */
export function commandKey(text: string, node: SourceNode, context: Context): string | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith("/")) return trimmed;
  if (isCommandName(trimmed)) return `/${trimmed}`;
  const help = "write `shell:` for a script, or `claude:` for a prompt";
  return report(context, {
    code: "ambiguous-command",
    at: node.at,
    message: '"command" may mean a script or a prompt',
    help,
  });
}
