/** What can be told of a script without running it. Where that is not sure, nothing is told. */

/** The command that needs a person at a terminal; null when there is none. */
export function terminalCommand(script: string): string | null {
  if (/\b(?:GIT_SEQUENCE_EDITOR|GIT_EDITOR|EDITOR|expect|script)\b/u.test(script)) return null;
  // What a pipe or a file feeds asks nobody.
  for (const statement of withoutTexts(script).split(/[;\n&(){}]+|\b(?:do|then|else)\b/u)) {
    if (/[<|]/u.test(statement)) continue;
    const [command = "", ...rest] = statement
      .trim()
      .split(/\s+/u)
      .filter((word) => !/^\w+=/u.test(word));
    const found = judged(command, rest);
    if (found !== null) return found;
  }
  return null;
}

const EDITORS: ReadonlySet<string> = new Set(["vi", "vim", "nvim", "nano", "pico", "emacs"]);

function judged(command: string, rest: readonly string[]): string | null {
  const [first = "", ...others] = rest;
  // An option of an editor may be the one that makes it work by itself.
  if (EDITORS.has(command)) return rest.length > 0 && !rest.some((word) => /^[-+]/u.test(word)) ? command : null;
  if (command === "top" || command === "htop") return rest.some((word) => /^-\w*[blhv]/u.test(word)) ? null : command;
  if (command === "read" && first === "-p") return "read -p";
  if (command !== "git") return null;
  if (first === "rebase" && others.some((word) => word === "-i" || word === "--interactive")) return "git rebase -i";
  const isPatch = others.some((word) => /^(?:-p|-i|--patch|--interactive)$/u.test(word));
  return first === "add" && isPatch ? "git add -p" : null;
}

/** Whether the script ends with a failure on every way through it. */
export function alwaysFails(script: string): boolean {
  const lines = withoutTexts(script)
    .split(/[;\n]/u)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const last = lines.pop() ?? "";
  const hasWays = lines.some((line) =>
    /&&|\|\||[(){}]|^(?:if|case|while|for|until|trap|exit|exec|return)\b/u.test(line),
  );
  return !hasWays && /^(?:exit\s+[1-9]\d*|false)$/u.test(last);
}

/** The script with its quoted texts as one letter, and without comments and here-documents. */
function withoutTexts(script: string): string {
  return script
    .replaceAll(/<<-?\s*(["']?)(\w+)\1[^\n]*\n[\s\S]*?\n\s*\2(?=\n|$)/gu, "<Q")
    .replaceAll(/\\.|'[^']*'|"(?:[^"\\]|\\.)*"/gsu, "Q")
    .replaceAll(/(^|\s)#[^\n]*/gu, "$1");
}
