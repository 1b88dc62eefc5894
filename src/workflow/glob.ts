/** More alternatives than this in one pattern are taken as text: nobody writes them, and they multiply. */
const MAX_ALTERNATIVES = 64;

/**
 * Whether a glob matches a whole text. `*` and `**` match anything, slashes included, as they did in the workflows that
 * people have; `?` is one character, `[a-z]` and `[!a-z]` are classes, `{a,b}` are alternatives.
 *
 * The time is at most the product of the two lengths: no regular expression, so no pattern can make us hang.
 */
export function globMatches(pattern: string, text: string): boolean {
  return alternatives(pattern).some((alternative) => matchesTokens(tokens(alternative), Array.from(text)));
}

type Token =
  | { readonly kind: "text"; readonly character: string }
  | { readonly kind: "one" }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  | { readonly kind: "any" };

function alternatives(pattern: string): readonly string[] {
  // A leading or inner `**/` also stands for no folder at all.
  let found = [pattern.replace(/(^|\/)\*\*\//g, "$1{,*/}")];
  for (let changed = true; changed; ) {
    changed = false;
    const next: string[] = [];
    for (const candidate of found) {
      const match = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(candidate);
      if (match === null) {
        next.push(candidate);
        continue;
      }
      changed = true;
      const [, before = "", choices = "", after = ""] = match;
      for (const choice of choices.split(",")) next.push(before + choice + after);
    }
    if (next.length > MAX_ALTERNATIVES) return found;
    found = next;
  }
  return found;
}

function tokens(pattern: string): readonly Token[] {
  const characters = Array.from(pattern);
  const result: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    const end = character === "[" ? characters.indexOf("]", at + 2) : -1;
    if (character === "*") result.push({ kind: "any" });
    else if (character === "?") result.push({ kind: "one" });
    else if (end !== -1) {
      result.push(characterClass(characters.slice(at + 1, end)));
      at = end;
    } else result.push({ kind: "text", character: character === "\\" ? (characters[++at] ?? "\\") : character });
  }
  return result;
}

function characterClass(inner: readonly string[]): Token {
  const negated = inner[0] === "!" || inner[0] === "^";
  const members = negated ? inner.slice(1) : inner;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? "";
    const to = members[at + 1] === "-" ? members[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return { kind: "class", negated, ranges };
}

/** The usual matching of stars: only the last one is ever gone back to. */
function matchesTokens(pattern: readonly Token[], text: readonly string[]): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const token = pattern[next];
    if (token?.kind === "any") {
      star = next++;
      resume = at;
    } else if (token !== undefined && matchesOne(token, text[at] ?? "")) {
      at++;
      next++;
    } else if (star !== -1) {
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next]?.kind === "any") next++;
  return next === pattern.length;
}

function matchesOne(token: Token, character: string): boolean {
  switch (token.kind) {
    case "text":
      return token.character === character;
    case "one":
      return true;
    case "class":
      return token.ranges.some(([from, to]) => from <= character && character <= to) !== token.negated;
    case "any":
      return true;
  }
}
