/**
 * Env files: `NAME=value` lines as dotenv and the shell write them.
 *
 * `export` before a name, comments, quotes, escapes in double quotes and values of several lines within quotes are
 * understood. Nothing is filled in and nothing is executed: `$NAME` in a value is these five characters.
 */

/** A line that says nothing. Its text is not quoted: it may be a secret. */
export interface EnvFileProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

export interface EnvFile {
  /** In the order of the file; of two with one name the later wins. */
  readonly values: Readonly<Record<string, string>>;
  readonly problems: readonly EnvFileProblem[];
}

export function parseEnvFile(written: string): EnvFile {
  const text = written.replace(/^\uFEFF/u, "").replaceAll(/\r\n?/gu, "\n");
  const values: Record<string, string> = {};
  const problems: EnvFileProblem[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const entry = readEntry(text, at);
    if (entry.problem !== null) problems.push({ line, message: entry.problem });
    if (entry.name !== null) values[entry.name] = entry.value;
    line += text.slice(at, entry.end).split("\n").length - 1;
    at = entry.end;
  }
  return { values, problems };
}

interface Entry {
  readonly name: string | null;
  readonly value: string;
  readonly problem: string | null;
  /** Where the next line begins. */
  readonly end: number;
}

const NAME = /[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][A-Za-z0-9_.]*)[^\S\n]*=/uy;
const BLANKS = /[^\S\n]*/uy;
const NOTHING = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/uy;

function readEntry(text: string, at: number): Entry {
  if (matchAt(NOTHING, text, at) !== null) return { name: null, value: "", problem: null, end: nextLine(text, at) };
  const head = matchAt(NAME, text, at);
  if (head === null) return broken("is not a NAME=value line", nextLine(text, at));
  const [, name = ""] = head;
  const behind = at + head[0].length;
  const start = behind + (matchAt(BLANKS, text, behind)?.[0].length ?? 0);
  const quote = text[start];
  if (quote === '"' || quote === "'") return quoted(text, start, { name, quote });
  const end = nextLine(text, behind);
  // A `#` begins a comment only behind a blank: `COLOR=#fff` is a color.
  const value = text.slice(behind, end).replace(/\s#.*/u, "").trim();
  return { name, value, problem: null, end };
}

interface Opened {
  readonly name: string;
  readonly quote: '"' | "'";
}

function quoted(text: string, start: number, { name, quote }: Opened): Entry {
  const close = closing(text, start + 1, quote);
  // What follows the open quote may be the rest of the file, so only its own line is given up.
  if (close === -1) return broken(`has a value whose ${quote} is never closed`, nextLine(text, start));
  const inner = text.slice(start + 1, close);
  if (matchAt(NOTHING, text, close + 1) === null)
    return broken("has text after the closing quote", nextLine(text, close));
  const value = quote === '"' ? unescaped(inner) : inner;
  return { name, value, problem: null, end: nextLine(text, close) };
}

function closing(text: string, from: number, quote: '"' | "'"): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === quote) return at;
    if (quote === '"' && text[at] === "\\") at++;
  }
  return -1;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\n": "" };

function unescaped(text: string): string {
  return text.replaceAll(/\\([^])/gu, (_, character: string) => ESCAPES[character] ?? character);
}

function broken(problem: string, end: number): Entry {
  return { name: null, value: "", problem, end };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end + 1;
}
