/** Spoils workflow files by chance: their bytes, their lines, and the tree that they stand for. One seed, one result. */
import { Document, isMap, isPair, isScalar, isSeq, parseDocument, visit } from "yaml";
import type { Node, Pair } from "yaml";

/** A whole number from 0 to below the limit. */
export type Random = (limit: number) => number;

/** Mulberry32: good enough for tests, and the same on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, limit);
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const found = from[random(from.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

/** One text of the corpus, spoilt in one to four ways. */
export function mutant(corpus: readonly string[], random: Random): string {
  let text = pick(random, corpus);
  const rounds = 1 + random(4);
  for (let round = 0; round < rounds; round += 1) text = mutateOnce(text, corpus, random);
  return text;
}

function mutateOnce(text: string, corpus: readonly string[], random: Random): string {
  const kind = random(20);
  if (kind < 6) return mutateBytes(text, random);
  if (kind < 17) return mutateLines(text, corpus, random);
  // Seldom, because it costs as much as twenty of the others.
  if (kind < 18) return mutateTree(text, random);
  return withAliases(text, random);
}

/** What means something to YAML, to JSON or to our own languages. */
const SCRAPS = [
  ..."\t\n\r#:-?{}[],'\"|>&*!%@`~$\\\u0000\uFEFF\u0085\u2028".split(""),
  "é",
  "👩‍💻",
  "---\n",
  "...\n",
  "- ",
  ": ",
  " #",
  "&a ",
  "*a",
  "<<: *a",
  "!!binary ",
  "!batched ",
  "${",
  "$${",
  "${item.",
  "|-\n",
  ">2\n",
  "0x",
  ".inf",
  "1e999",
  "__proto__: ",
  "constructor",
  "null",
  "yes",
  "\ud83d",
] as const;

function mutateBytes(text: string, random: Random): string {
  const bytes = Buffer.from(text, "utf8");
  const at = random(bytes.length + 1);
  switch (random(5)) {
    case 0: {
      const byte = bytes[at];
      if (byte !== undefined) bytes[at] = byte ^ (1 << random(8));
      return bytes.toString("utf8");
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(20))]).toString("utf8");
    case 2:
      return bytes.subarray(0, at).toString("utf8");
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256)]), bytes.subarray(at)]).toString("utf8");
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, SCRAPS)), bytes.subarray(at)]).toString(
        "utf8",
      );
  }
}

/** Values that are wrong at most places. */
const VALUES = [
  "",
  "null",
  "true",
  "-1",
  "0",
  "1e99",
  "[]",
  "{}",
  "[[1]]",
  "{zz: 1}",
  "*a",
  "&a x",
  "'",
  '"',
  "|",
  "a: b",
  "${",
  "@x",
] as const;

function mutateLines(text: string, corpus: readonly string[], random: Random): string {
  const lines = text.split("\n");
  const at = random(lines.length);
  const line = lines[at] ?? "";
  const other = (): string => pick(random, pick(random, corpus).split("\n"));
  switch (random(10)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(at, 0, line);
      break;
    case 2:
      lines.splice(at, 1, `${" ".repeat(random(5))}${line}`);
      break;
    case 3:
      lines.splice(at, 1, line.slice(Math.min(1 + random(4), line.length - line.trimStart().length)));
      break;
    case 4:
      lines.splice(at, 1, `\t${line.trimStart()}`);
      break;
    case 5:
      lines.splice(at, 0, other());
      break;
    case 6:
      lines.splice(
        at,
        1,
        line.replace(/:( .*)?$/u, () => `: ${pick(random, VALUES)}`),
      );
      break;
    case 7:
      lines.splice(
        at,
        1,
        line.replace(/[A-Za-z_]+(?=:)/u, () => /[A-Za-z_]+(?=:)/u.exec(other())?.[0] ?? "zz"),
      );
      break;
    case 8:
      lines.splice(at, 1, line.replaceAll(/["']/gu, ""));
      break;
    default:
      lines.splice(at, 1, line.replace(/: /u, ":").replace(/^( *)- /u, "$1-"));
  }
  return lines.join("\n");
}

/** Takes the tree apart and puts it together in another way: what comes out is YAML, and mostly no workflow. */
function mutateTree(text: string, random: Random): string {
  const document = parseDocument(text, { logLevel: "silent", strict: false, uniqueKeys: false });
  const nodes: Node[] = [];
  const pairs: Pair[] = [];
  visit(document, (_, node) => {
    if (isPair(node)) pairs.push(node);
    else if (isMap(node) || isSeq(node) || isScalar(node)) nodes.push(node);
  });
  if (document.errors.length > 0 || pairs.length === 0) return mutateBytes(text, random);
  const pair = pick(random, pairs);
  switch (random(4)) {
    case 0:
      pair.value = pick(random, nodes).clone();
      break;
    case 1:
      pair.value = new Document([[pair.value], { zz: 1 }, 3.5, null, true, ""][random(6)]).contents;
      break;
    case 2:
      pair.key = new Document(pick(random, ["zz", 3, "", "__proto__", "<<"])).contents;
      break;
    default:
      pair.value = pick(random, pairs).value;
  }
  try {
    return document.toString();
  } catch {
    return text; // A tree that cannot be written, such as one that holds itself.
  }
}

/** Anchors that repeat each other, each time more often. */
function withAliases(text: string, random: Random): string {
  const levels = 1 + random(12);
  const fan = 1 + random(9);
  const lines = Array.from({ length: levels }, (_, level) => {
    const below =
      level === 0
        ? "{shell: a}"
        : `[${Array(fan)
            .fill(`*n${String(level - 1)}`)
            .join(", ")}]`;
    return `n${String(level)}: &n${String(level)} ${below}`;
  });
  const last = `*n${String(levels - 1)}`;
  const used = text.replace(/: [^\n]*$/mu, () => `: ${last}`);
  return random(2) === 0 ? `${lines.join("\n")}\n${used}` : `${lines.join("\n")}\ncommands: ${last}\n`;
}
