import { matchAt } from "./path.ts";

/** A regular expression as a tree. */
export type RegexNode =
  | { readonly kind: "one"; readonly accepts: (character: string) => boolean }
  /** Holds between two characters; the empty text stands for the edges. */
  | { readonly kind: "assert"; readonly holds: (before: string, after: string) => boolean }
  | { readonly kind: "sequence" | "choice"; readonly nodes: readonly RegexNode[] }
  | { readonly kind: "repeat"; readonly node: RegexNode; readonly min: number; readonly max: number | null };

interface RegexProblem {
  readonly ok: false;
  readonly message: string;
  readonly help: string | null;
}

export type ParsedRegex = { readonly ok: true; readonly node: RegexNode } | RegexProblem;

/** Groups in groups; the parser is recursive. */
const MAX_DEPTH = 50;
const MAX_COUNT = 1000;

const LEADING_FLAGS = /\(\?([ims]+)\)/y;
const GROUP_OPEN = /\((?:\?:|\?P?<[A-Za-z_]\w*>|(?!\?))/y;
const COUNT = /\{(\d+)(,?)(\d*)\}/y;
const CLASS = /\[\^?\]?(?:[^\]\\]|\\.)*\]/sy;
const ESCAPE = /\\(?:[pP]\{[^}]*\}|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|.)/suy;

/** Parses the common ground of the regular expressions of JavaScript and Rust. */
export function parseRegex(source: string): ParsedRegex {
  const flags = matchAt(LEADING_FLAGS, source, 0);
  const parser: Parser = { source, at: flags?.[0].length ?? 0, depth: 0, flags: flags?.[1] ?? "" };
  const parsed = parseChoice(parser);
  if (!parsed.ok || parser.at === source.length) return parsed;
  return problem(`there is a ")" without its "("`, 'write "\\)" for the character itself');
}

interface Parser {
  readonly source: string;
  readonly flags: string;
  at: number;
  depth: number;
}

function parseChoice(parser: Parser): ParsedRegex {
  if (++parser.depth > MAX_DEPTH) return problem(`groups may be nested ${MAX_DEPTH} deep`);
  const choices: RegexNode[] = [];
  do {
    const sequence = parseSequence(parser);
    if (!sequence.ok) return sequence;
    choices.push(sequence.node);
  } while (take(parser, "|"));
  parser.depth--;
  const [only, ...more] = choices;
  return { ok: true, node: only !== undefined && more.length === 0 ? only : { kind: "choice", nodes: choices } };
}

function parseSequence(parser: Parser): ParsedRegex {
  const nodes: RegexNode[] = [];
  while (parser.at < parser.source.length && !"|)".includes(parser.source.charAt(parser.at))) {
    const atom = parseAtom(parser);
    if (!atom.ok) return atom;
    const repeated = parseRepeat(parser, atom.node);
    if (!repeated.ok) return repeated;
    nodes.push(repeated.node);
  }
  return { ok: true, node: { kind: "sequence", nodes } };
}

function parseAtom(parser: Parser): ParsedRegex {
  const { source, at } = parser;
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (character === "(") return parseGroup(parser);
  if (character === "[") return parseClass(parser);
  if (character === "\\") return parseEscape(parser);
  if ("*+?".includes(character))
    return problem(
      `there is nothing to repeat before "${character}"`,
      `write "\\${character}" for the character itself`,
    );
  parser.at += character.length;
  if (character === "^") return edge((before) => before === "" || (parser.flags.includes("m") && before === "\n"));
  if (character === "$") return edge((_, after) => after === "" || (parser.flags.includes("m") && after === "\n"));
  if (character === ".") return one((next) => parser.flags.includes("s") || !/[\n\r\u2028\u2029]/.test(next));
  if (!parser.flags.includes("i")) return one((next) => next === character);
  const lower = character.toLowerCase();
  return one((next) => next.toLowerCase() === lower);
}

function parseGroup(parser: Parser): ParsedRegex {
  const open = matchAt(GROUP_OPEN, parser.source, parser.at);
  if (open === null) {
    return problem(
      `"${parser.source.slice(parser.at, parser.at + 4)}" is not supported`,
      "looking ahead or behind is not possible; join two conditions with && instead",
    );
  }
  parser.at += open[0].length;
  const inner = parseChoice(parser);
  if (!inner.ok || take(parser, ")")) return inner;
  return problem(`a "(" is not closed`, 'write "\\(" for the character itself');
}

function parseClass(parser: Parser): ParsedRegex {
  const found = matchAt(CLASS, parser.source, parser.at)?.[0];
  if (found === undefined) return problem(`a "[" is not closed`, 'write "\\[" for the character itself');
  parser.at += found.length;
  // JavaScript ends "[]" at once; elsewhere a first "]" is a member.
  return native(parser, found.replace(/^(\[\^?)\](?=.)/s, "$1\\]"));
}

function parseEscape(parser: Parser): ParsedRegex {
  const found = matchAt(ESCAPE, parser.source, parser.at)?.[0];
  if (found === undefined) return problem("it ends with a backslash", 'write "\\\\" for the character itself');
  parser.at += found.length;
  const letter = found.slice(1);
  switch (letter) {
    case "b":
      return edge((before, after) => isWord(before) !== isWord(after));
    case "B":
      return edge((before, after) => isWord(before) === isWord(after));
    case "A":
      return edge((before) => before === "");
    case "z":
    case "Z":
      return edge((_, after) => after === "");
  }
  if (/^[1-9k]$/.test(letter)) return problem(`references to groups ("${found}") are not supported`);
  return native(parser, found);
}

/** One character against one class: the native engine has nothing to go back to there, so it is safe. */
function native(parser: Parser, source: string): ParsedRegex {
  for (const unicode of ["u", ""]) {
    try {
      const pattern = new RegExp(`^${source}$`, unicode + (parser.flags.includes("i") ? "i" : ""));
      return one((next) => pattern.test(next));
    } catch {
      /* The stricter grammar refuses needless escapes such as "\-"; the other one is tried next. */
    }
  }
  return problem(`"${source}" is not a set of characters`);
}

function parseRepeat(parser: Parser, node: RegexNode): ParsedRegex {
  let repeated = node;
  let times = 0;
  for (let range = repeatAt(parser); range !== null; range = repeatAt(parser)) {
    if (++times > 1) return problem("two repetitions follow each other", "put a group between them");
    if (range.min > MAX_COUNT || (range.max ?? 0) > MAX_COUNT || (range.max !== null && range.max < range.min)) {
      return problem(`the counts of a repetition must be in order and at most ${MAX_COUNT}`);
    }
    repeated = { kind: "repeat", node: repeated, ...range };
    // Lazy or not makes no difference to whether it is found.
    take(parser, "?");
  }
  return { ok: true, node: repeated };
}

function repeatAt(parser: Parser): { readonly min: number; readonly max: number | null } | null {
  if (take(parser, "*")) return { min: 0, max: null };
  if (take(parser, "+")) return { min: 1, max: null };
  if (take(parser, "?")) return { min: 0, max: 1 };
  const count = matchAt(COUNT, parser.source, parser.at);
  if (count === null) return null;
  parser.at += count[0].length;
  const [, min = "", comma, max] = count;
  return { min: Number(min), max: comma === "" ? Number(min) : max === "" || max === undefined ? null : Number(max) };
}

function isWord(character: string): boolean {
  return /^\w$/.test(character);
}

function take(parser: Parser, character: string): boolean {
  if (parser.source.charAt(parser.at) !== character) return false;
  parser.at++;
  return true;
}

function one(accepts: (character: string) => boolean): ParsedRegex {
  return { ok: true, node: { kind: "one", accepts } };
}

function edge(holds: (before: string, after: string) => boolean): ParsedRegex {
  return { ok: true, node: { kind: "assert", holds } };
}

function problem(message: string, help: string | null = null): RegexProblem {
  return { ok: false, message, help };
}
