// @ts-check
// Who may import whom. The linter sees an import's text only; this resolves it, and fails on every arrow that is not in
// the table below. `npm run lint` runs it. Usage: node scripts/check-layers.mjs [root]
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * A layer may always import itself and the leaves.
 *
 * @typedef {object} Layer
 * @property {string[]} [values] Folders or files it may import.
 * @property {string[]} [types] Folders or files of which it may `import type` only.
 * @property {string[] | "all"} [node] Node modules it may import.
 * @property {string[]} [packages] npm packages it may import.
 */

const event = "src/cook/decision/event.ts";
const implementations = [
  "src/agents/",
  "src/dead-letters/",
  "src/earlier/",
  "src/simple-state/",
  "src/storage/",
  "src/system/",
  "src/unified-session/",
  "src/worktree/",
];
const contract = ["src/cook/ports.ts", "src/cook/decision/", "src/workflow/"];

/** @type {Record<string, Layer>} The longest path that a file begins with is its layer. */
const layers = {
  // Pure: neither side effects nor node.
  "src/workflow/": { packages: ["fastest-levenshtein", "json-p3", "picomatch", "re2js", "yaml"] },
  "src/cook/decision/": { values: ["src/workflow/"] },
  // Knows ports, not implementations: every side effect goes through ports.ts.
  "src/cook/": {
    values: ["src/workflow/"],
    node: ["node:crypto", "node:path", "node:util"],
    packages: ["@cfworker/json-schema", "picomatch"],
  },
  // Implement ports.
  "src/system/": { types: contract, node: "all", packages: ["tinyglobby", "ulid"] },
  "src/storage/": {
    values: ["src/system/", event],
    types: ["src/cook/ports.ts", "src/workflow/"],
    node: "all",
    packages: ["ulid"],
  },
  "src/worktree/": {
    values: ["src/storage/", "src/system/"],
    types: contract,
    node: "all",
    packages: ["picomatch", "tinyglobby"],
  },
  "src/agents/": { values: ["src/storage/", "src/system/"], types: contract, node: "all", packages: ["yaml"] },
  // Know nothing of cook, but for the adapter, which reads its events.
  "src/simple-state/": { values: ["src/storage/", "src/system/"], node: "all" },
  "src/unified-session/": { values: ["src/storage/", "src/system/"], types: ["src/workflow/"], node: "all" },
  "src/unified-session/cook-": { values: ["src/unified-session/", event], types: ["src/workflow/"] },
  // A projection of the journal, and what people ask of it.
  "src/dead-letters/": {
    values: ["src/storage/", "src/system/", "src/workflow/", event],
    types: contract,
    node: "all",
  },
  // Reads what an earlier Prodigy has left, and makes sessions of today of it.
  "src/earlier/": {
    values: ["src/dead-letters/", "src/storage/", "src/system/", "src/unified-session/", "src/worktree/"],
    types: contract,
    node: "all",
  },
  // Wire them together.
  "src/compose-loop.ts": { values: ["src/cook/", "src/workflow/", ...implementations], node: "all" },
  "src/compose.ts": { values: ["src/compose-loop.ts", "src/cook/", "src/workflow/", ...implementations], node: "all" },
  "src/api/": { values: ["src/compose.ts", "src/cook/", "src/workflow/", ...implementations], node: "all" },
  "src/index.ts": { values: ["src/api/", "src/cook/", "src/workflow/", ...implementations] },
  "src/cli/": {
    values: ["src/index.ts"],
    node: "all",
    packages: ["commander", "fastest-levenshtein", "picocolors"],
  },
  "src/main.ts": { values: ["src/cli/", "src/compose.ts", "src/index.ts", "src/system/"], node: "all" },
};
/** Any other file directly in src/, such as version.ts: it imports leaves only, and everyone may import it. */
const leaf = /^src\/[^/]+$/;
/** Where the clock and the process may be touched; the linter's no-restricted-properties has the same list. */
const outside = /^src\/(main\.ts|system\/)/;

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const faults = sourceFiles().flatMap((file) => faultsIn(file));
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(
    `\n${faults.length} layer fault${faults.length === 1 ? "" : "s"}. The table is in scripts/check-layers.mjs.`,
  );
  process.exitCode = 1;
}

function sourceFiles() {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/** @param {string} file */
function faultsIn(file) {
  const text = readFileSync(join(root, file), "utf8");
  const isTest = file.endsWith(".test.ts");
  const imports = importsOf(text).map(({ specifier, typeOnly, index }) => {
    const target = specifier.startsWith(".") ? posix.join(dirname(file), specifier) : specifier;
    // Tests may import whatever they test with; but main.ts runs when it is imported.
    const reason = isTest ? mainIsNotImported(target) : refusal({ file, target, typeOnly });
    return reason === null ? [] : [`${file}:${lineAt(text, index)} imports ${target}: ${reason}`];
  });
  return [...imports.flat(), ...(isTest || outside.test(file) ? [] : clockReads(file, text))];
}

/**
 * @param {{ file: string, target: string, typeOnly: boolean }} arrow
 * @returns {string | null} Why the arrow is not allowed.
 */
function refusal({ file, target, typeOnly }) {
  const name = layerOf(file);
  if (name === null) return `${dirname(file)}/ is not in the table of layers. Add it.`;
  const layer = layers[name] ?? {};
  if (!target.startsWith("src/")) return foreign({ file, target, name, layer });
  if (mainIsNotImported(target) !== null) return mainIsNotImported(target);
  if (isLeaf(target) || target.startsWith(name)) return null;
  const values = layer.values ?? [];
  const types = layer.types ?? [];
  if (within(target, values)) return null;
  if (within(target, types)) return typeOnly ? null : `${name} may use its types only. Write \`import type\`.`;
  return `${name} may import ${listed(values)}${types.length === 0 ? "" : `, and types of ${listed(types)}`}.`;
}

/**
 * A target that is not in src/.
 *
 * @param {{ file: string, target: string, name: string, layer: Layer }} arrow
 */
function foreign({ file, target, name, layer }) {
  if (target.startsWith("node:")) {
    if (target === "node:process" && !outside.test(file)) return "only main.ts and system/ may touch the process.";
    const modules = layer.node ?? [];
    return modules === "all" || modules.includes(target) ? null : `of node, ${name} may import ${listed(modules)}.`;
  }
  const packages = layer.packages ?? [];
  const isPackage = packages.some((wanted) => target === wanted || target.startsWith(`${wanted}/`));
  return isPackage ? null : `outside src/, ${name} may import ${listed(packages)}.`;
}

/**
 * @param {string} file
 * @param {string} text
 */
function clockReads(file, text) {
  return matches(text, /\bnew Date\(\)/g).map(
    ({ index }) =>
      `${file}:${lineAt(text, index)} reads the clock by new Date(): only main.ts and system/ may. Pass the time in.`,
  );
}

/** @param {string} file */
function layerOf(file) {
  const names = Object.keys(layers).filter((name) => file.startsWith(name));
  return names.sort((a, b) => b.length - a.length)[0] ?? (leaf.test(file) ? file : null);
}

/** @param {string} target */
function isLeaf(target) {
  return leaf.test(target) && !(target in layers);
}

/**
 * @param {string} target
 * @param {string[]} allowed
 */
function within(target, allowed) {
  return allowed.some((path) => target.startsWith(path));
}

/** @param {string} target */
function mainIsNotImported(target) {
  return target === "src/main.ts" ? "nothing imports main.ts, because importing it runs it." : null;
}

/** @param {string} text */
function importsOf(text) {
  const declared =
    /(?<=^[ \t]*)(?:import|export)\s+(?<type>type\s+(?!from\b))?(?:[\w$*{},\s]*?\bfrom\s*)?["'](?<specifier>[^"']+)["']/gm;
  const dynamic = /\b(?:import|require)\(\s*["'](?<specifier>[^"']+)["']/g;
  return [...matches(text, declared), ...matches(text, dynamic)].map(({ index, groups }) => ({
    index,
    specifier: groups?.["specifier"] ?? "",
    typeOnly: groups?.["type"] !== undefined,
  }));
}

/**
 * Matches in code; a line that begins as a comment does not count.
 *
 * @param {string} text
 * @param {RegExp} pattern
 */
function matches(text, pattern) {
  return [...text.matchAll(pattern)].filter(
    ({ index }) => !/^\s*(\/\/|\/?\*)/.test(text.slice(text.lastIndexOf("\n", index) + 1, index)),
  );
}

/**
 * @param {string} text
 * @param {number} index
 */
function lineAt(text, index) {
  return text.slice(0, index).split("\n").length;
}

/** @param {string[]} names */
function listed(names) {
  return names.length === 0 ? "nothing" : names.join(", ");
}
