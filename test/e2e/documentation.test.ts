/** What the documentation shows must be true: every YAML block is a workflow that parses without a word, and some run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseScript } from "../../src/agents/script.ts";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import type { WorkflowFiles } from "../../src/workflow/workflow-files.ts";
import { newRig } from "../kit/rig.ts";

interface Block {
  /** `docs/workflow.md:12` */
  readonly place: string;
  /** What stands behind `yaml`: nothing for a whole workflow, or `step`, `top`, `phase`, `script`, `file`. */
  readonly kind: string;
  readonly text: string;
}

const ROOT = new URL("../../", import.meta.url);
const FILES = [
  "README.md",
  ...readdirSync(new URL("docs/", ROOT))
    .filter(isPage)
    .map((name) => `docs/${name}`),
];
const BLOCKS = FILES.flatMap(blocksOf);

test.each(BLOCKS)("the YAML example at $place ($kind) is good", (block) => {
  expect(problemsOf(block)).toEqual([]);
});

describe("an example that says so", () => {
  const runnable = BLOCKS.filter(({ text }) => text.startsWith("# runs\n"));

  test("is there", () => expect(runnable.length).toBeGreaterThan(5));

  test.each(runnable)("runs and prints what it says: $place", async ({ text }) => {
    await using rig = await newRig();
    rig.write("../example.yml", text);
    const { code, stdout, stderr } = rig.prodigy(["run", "../example.yml", "-v", "-y"]);
    expect(code, stderr).toBe(0);
    const printed = stdout.split("\n").map((line) => line.replace(/^ *\| /, ""));
    for (const [, line] of text.matchAll(/# prints: (.*)$/gm)) expect(printed).toContain(line);
  });
});

test.each(FILES)("every link in %s leads somewhere", (file) => {
  const links = [...readFileSync(new URL(file, ROOT), "utf8").matchAll(/\]\((?!https?:)([^)\s]*)\)/g)];
  expect(links.flatMap(([, to = ""]) => (leadsSomewhere(file, to) ? [] : [to]))).toEqual([]);
});

function problemsOf({ place, kind, text }: Block): readonly unknown[] {
  if (kind === "file") return problemsOfFile(place, text);
  if (kind !== "script") {
    const { diagnostics } = parseWorkflow(workflowOf(kind, text), { file: place });
    return kind === "phase" ? diagnostics.filter(isOwn) : diagnostics;
  }
  const script = parseScript(text);
  return typeof script === "string" ? [script] : [];
}

/** What a fragment or a file that others include captures may be used in what is not here. */
function isOwn({ code }: { readonly code: string }): boolean {
  return code !== "unused-capture";
}

/** Files of one page include each other; the first line of each is its path. */
function problemsOfFile(place: string, text: string): readonly unknown[] {
  const page = place.slice(0, place.lastIndexOf(":"));
  const files = new Map(
    BLOCKS.filter((block) => block.kind === "file" && block.place.startsWith(`${page}:`)).map((block) => [
      pathOf(block.text),
      block.text,
    ]),
  );
  const open: WorkflowFiles["template"] = (id) => {
    const found = files.get(id);
    return found === undefined ? { ok: false, reason: `no ${id}` } : { ok: true, id, file: id, text: found };
  };
  const reader: WorkflowFiles = {
    open: (paths, from) => open(paths.map((path) => join(dirname(from), path)).find((path) => files.has(path)) ?? ""),
    template: (name) => open(`.prodigy/templates/${name}.yml`),
  };
  return parseWorkflow(text, { file: pathOf(text), files: reader }).diagnostics.filter(isOwn);
}

function pathOf(text: string): string {
  return (text.split("\n", 1)[0] ?? "").replace(/^# /, "");
}

function leadsSomewhere(file: string, to: string): boolean {
  const [path = "", anchor] = to.split("#", 2);
  const target = path === "" ? new URL(file, ROOT) : new URL(path, new URL(file, ROOT));
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(readFileSync(target, "utf8")).includes(anchor);
}

function isPage(name: string): boolean {
  return name.endsWith(".md");
}

function blocksOf(file: string): readonly Block[] {
  const text = readFileSync(fileURLToPath(new URL(file, ROOT)), "utf8");
  return [...text.matchAll(/^```yaml(?: (\w+))?\n([^]*?)^```$/gm)].map((match) => ({
    place: `${file}:${String(text.slice(0, match.index).split("\n").length)}`,
    kind: match[1] ?? "workflow",
    text: match[2] ?? "",
  }));
}

/** A fragment becomes the workflow that it stands for. */
function workflowOf(kind: string, text: string): string {
  switch (kind) {
    case "workflow":
      return text;
    case "step":
      return `commands:\n${text}`;
    case "top":
      return `${text}\ncommands:\n  - shell: "true"\n`;
    case "phase":
      return /^map:/m.test(text) ? text : `${text}\nmap: { input: items.json, agent_template: { shell: "true" } }\n`;
    default:
      throw new Error(`nobody knows what a block of "yaml ${kind}" is`);
  }
}

/** As GitHub makes them from headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
