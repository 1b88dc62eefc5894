/** What is wrong with a workflow file, and how it is shown. */
import { isWide } from "../cell-width.ts";
import type { SourceLocation } from "./model.ts";

/** Every code, with its severity. `docs/errors.md` explains each; a test compares the two lists. */
export const DIAGNOSTIC_CODES = {
  // The text itself.
  "file-too-large": "error",
  "invalid-character": "error",
  "yaml-syntax": "error",
  "tab-indentation": "error",
  "bad-indentation": "error",
  "multiple-documents": "error",
  "unknown-tag": "error",
  "unknown-alias": "error",
  "alias-cycle": "error",
  "alias-bomb": "error",
  "bad-merge-key": "error",
  "nesting-too-deep": "error",
  "empty-file": "error",
  // Files of several.
  "unreadable-file": "error",
  "import-cycle": "error",
  // The shape.
  "wrong-type": "error",
  "empty-value": "error",
  "invalid-key": "error",
  "duplicate-key": "error",
  "unknown-key": "error",
  "missing-key": "error",
  "conflicting-keys": "error",
  "unknown-value": "error",
  "out-of-range": "error",
  "too-many-steps": "error",
  "too-many-problems": "error",
  // The content.
  "no-steps": "error",
  "missing-action": "error",
  "several-actions": "error",
  "ambiguous-command": "error",
  "invalid-duration": "error",
  "invalid-template": "error",
  "invalid-expression": "error",
  "invalid-pattern": "error",
  "invalid-glob": "error",
  "invalid-mode": "error",
  "invalid-name": "error",
  "not-supported-yet": "error",
  // Legal, but worth a look.
  "deprecated-spelling": "warning",
  "no-effect": "warning",
  "never-runs": "warning",
  "many-at-once": "warning",
  "agent-branches": "warning",
  "duplicate-id": "warning",
  "unused-capture": "warning",
  "item-outside-loop": "warning",
  "unknown-variable": "warning",
  "after-failure": "warning",
  "needs-terminal": "warning",
  "secret-in-file": "warning",
  "output-must-be-json": "warning",
} as const satisfies Record<string, "error" | "warning">;

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES;

/** The place of a problem. `text` may be a part of a long line; `textColumn` is the column at which it starts. */
export interface DiagnosticLocation extends SourceLocation {
  /** How many characters the caret line underlines; at least 1. */
  readonly length: number;
  readonly textColumn: number;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** What to do, where there is something to say. */
  readonly help: string | null;
  readonly at: DiagnosticLocation;
}

/** How the parts are painted. The plain style leaves them as they are. */
export interface DiagnosticStyle {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

const same = (text: string): string => text;
const PLAIN: DiagnosticStyle = { error: same, warning: same, dim: same, bold: same };

/** The problem as a person reads it: place, message, the source line with a caret below, and help. */
export function renderDiagnostic(diagnostic: Diagnostic, style: DiagnosticStyle = PLAIN): string {
  const { at, code, severity, message, help } = diagnostic;
  const paint = style[severity];
  const place = `${printable(at.file)}:${at.line}:${at.column}:`;
  const number = String(at.line);
  const gutter = " ".repeat(number.length);
  const before = at.column - at.textColumn;
  const rest = at.text.length - before;
  const lines = [`${style.bold(place)} ${paint(`${severity}[${code}]`)}: ${printable(message)}`];
  if (at.text.trim() !== "") {
    lines.push(`  ${style.dim(`${number} |`)} ${printable(at.text)}`);
    const marked = at.text.slice(before, before + Math.max(1, Math.min(at.length, rest)));
    const carets = "^".repeat(Math.max(1, width(marked)));
    lines.push(`  ${gutter} ${style.dim("|")} ${blank(at.text.slice(0, before))}${paint(carets)}`);
  }
  if (help !== null) lines.push(`  ${style.bold("help:")} ${printable(help)}`);
  return lines.join("\n");
}

/** Text that cannot move the cursor or repaint the terminal: control characters are shown as pictures. */
function printable(text: string): string {
  return text.replaceAll(/(?!\t)[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\uFFFD";
  });
}

/** Spaces as wide as the text, with its tabs kept, so that the caret stands below its character. */
function blank(text: string): string {
  let result = "";
  for (const character of text) result += character === "\t" ? "\t" : " ".repeat(width(character));
  return result;
}

function width(text: string): number {
  let cells = 0;
  for (const character of text) cells += isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
  return cells;
}
