import { parseRegex, type RegexNode } from "./regex-parse.ts";

/** A compiled regular expression. It only says whether it is found somewhere in a text. */
export interface Regex {
  test(text: string): boolean;
}

export type CompiledRegex =
  | { readonly ok: true; readonly regex: Regex }
  | { readonly ok: false; readonly message: string; readonly help: string | null };

/** Longer patterns are refused. */
const MAX_PATTERN_LENGTH = 1000;
/** Counted repetitions multiply; a pattern may not grow beyond this many instructions. */
const MAX_INSTRUCTIONS = 2000;

/**
 * Compiles a pattern for the operator `matches`.
 *
 * The engine of JavaScript tries one way after another, so that a pattern such as `(a+)+$` can hang the process for ever
 * on a line of output. This one follows all ways at once: its time is at most the length of the text times the length
 * of the pattern. What cannot be done like that, looking around and references to groups, is refused.
 */
export function compileRegex(source: string): CompiledRegex {
  if (source.length > MAX_PATTERN_LENGTH) {
    return {
      ok: false,
      message: `a regular expression may have ${MAX_PATTERN_LENGTH} characters, this has ${source.length}`,
      help: null,
    };
  }
  const parsed = parseRegex(source);
  if (!parsed.ok)
    return {
      ok: false,
      message: `the regular expression /${source}/ cannot be used: ${parsed.message}`,
      help: parsed.help,
    };
  const program: Instruction[] = [];
  if (!emit(parsed.node, program)) {
    return {
      ok: false,
      message: `the regular expression /${source}/ is too large`,
      help: "use smaller counts in {n,m}",
    };
  }
  program.push({ kind: "match" });
  return { ok: true, regex: { test: (text) => run(program, text) } };
}

type Instruction =
  | { readonly kind: "one"; readonly accepts: (character: string) => boolean }
  | { readonly kind: "assert"; readonly holds: (before: string, after: string) => boolean }
  /** Goes on at all of these. */
  | { readonly kind: "fork"; readonly to: readonly number[] }
  | { readonly kind: "match" };

/** Appends the instructions of a node; false when the program becomes too large. */
function emit(node: RegexNode, program: Instruction[]): boolean {
  if (program.length > MAX_INSTRUCTIONS) return false;
  switch (node.kind) {
    case "one":
    case "assert":
      program.push(node);
      return true;
    case "sequence":
      return node.nodes.every((inner) => emit(inner, program));
    case "choice":
      return emitChoice(node.nodes, program);
    case "repeat":
      return emitRepeat(node, program);
  }
}

function emitChoice(nodes: readonly RegexNode[], program: Instruction[]): boolean {
  const fork = reserve(program);
  const starts: number[] = [];
  const ends: number[] = [];
  for (const node of nodes) {
    starts.push(program.length);
    if (!emit(node, program)) return false;
    ends.push(reserve(program));
  }
  program[fork] = { kind: "fork", to: starts };
  for (const end of ends) program[end] = { kind: "fork", to: [program.length] };
  return true;
}

function emitRepeat(node: Extract<RegexNode, { kind: "repeat" }>, program: Instruction[]): boolean {
  for (let count = 0; count < node.min; count++) if (!emit(node.node, program)) return false;
  if (node.max === null) {
    const fork = reserve(program);
    if (!emit(node.node, program)) return false;
    program.push({ kind: "fork", to: [fork] });
    program[fork] = { kind: "fork", to: [fork + 1, program.length] };
    return true;
  }
  const forks: number[] = [];
  for (let count = node.min; count < node.max; count++) {
    forks.push(reserve(program));
    if (!emit(node.node, program)) return false;
  }
  for (const fork of forks) program[fork] = { kind: "fork", to: [fork + 1, program.length] };
  return true;
}

function reserve(program: Instruction[]): number {
  program.push({ kind: "match" });
  return program.length - 1;
}

/** Follows all ways at once, one character after another. */
function run(program: readonly Instruction[], text: string): boolean {
  const characters = Array.from(text);
  const search: Search = { program, seen: new Int32Array(program.length).fill(-1) };
  let waiting: number[] = [];
  for (let at = 0; at <= characters.length; at++) {
    const place = { at, before: characters[at - 1] ?? "", after: characters[at] ?? "" };
    // The pattern may begin anywhere, so a new way starts at each character.
    const ready = follow(search, [...waiting, 0], place);
    if (ready === "matched") return true;
    waiting = [];
    for (const position of ready) {
      const instruction = program[position];
      if (instruction?.kind === "one" && place.after !== "" && instruction.accepts(place.after))
        waiting.push(position + 1);
    }
  }
  return false;
}

interface Search {
  readonly program: readonly Instruction[];
  /** For each instruction, the place at which it was last reached. */
  readonly seen: Int32Array;
}

interface Place {
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

/** The instructions that wait for a character, reached from some starts without one. */
function follow({ program, seen }: Search, starts: readonly number[], place: Place): readonly number[] | "matched" {
  const ready: number[] = [];
  const open = [...starts];
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    if (seen[position] === place.at) continue;
    seen[position] = place.at;
    const instruction = program[position];
    if (instruction === undefined || instruction.kind === "match") return "matched";
    if (instruction.kind === "one") ready.push(position);
    else if (instruction.kind === "fork") open.push(...instruction.to);
    else if (instruction.holds(place.before, place.after)) open.push(position + 1);
  }
  return ready;
}
