import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

test("this code base keeps its layers", async () => {
  expect(await checkLayers(root)).toEqual({ status: 0, faults: [] });
});

test("a tree whose imports follow the layers passes", async () => {
  await using tree = await plant({
    "src/version.ts": 'export const version = "0";',
    "src/workflow/parse.ts":
      'import { parse } from "yaml";\nimport { step } from "./step.ts";\nimport { version } from "../version.ts";',
    "src/cook/decision/decide.ts": 'import type { Step } from "../../workflow/model.ts";',
    "src/cook/perform.ts": 'import { posix } from "node:path";\nimport { decide } from "./decision/decide.ts";',
    "src/cook/perform.test.ts":
      'import { mkdtemp } from "node:fs/promises";\nimport { test } from "vitest";\nconst at = new Date();',
    "src/system/clock.ts":
      'import type { Clock } from "../cook/ports.ts";\nimport { ulid } from "ulid";\nconst at = new Date();',
    "src/unified-session/cook-adapter.ts": 'import type { Event } from "../cook/decision/event.ts";',
    "src/cli/program.ts": 'const { run } = await import("../index.ts");',
  });

  expect(await checkLayers(tree.path)).toEqual({ status: 0, faults: [] });
});

test.each([
  [
    "src/workflow/parse.ts",
    'import { readFile } from "node:fs/promises";',
    "node:fs/promises: of node, src/workflow/ may import nothing.",
  ],
  [
    "src/workflow/parse.ts",
    'import { z } from "zod";',
    "zod: outside src/, src/workflow/ may import fastest-levenshtein, json-p3, picomatch, re2js, yaml.",
  ],
  [
    "src/cook/decision/decide.ts",
    'import { Ports } from "../ports.ts";',
    "src/cook/ports.ts: src/cook/decision/ may import src/workflow/.",
  ],
  [
    "src/cook/decision/decide.ts",
    'import type { Ports } from "../ports.ts";',
    "src/cook/ports.ts: src/cook/decision/ may import src/workflow/.",
  ],
  [
    "src/cook/execution/lanes.ts",
    'import {\n  git,\n  type Git,\n} from "../../worktree/git.ts";',
    "src/worktree/git.ts: src/cook/ may import src/workflow/.",
  ],
  [
    "src/cook/execution/lanes.ts",
    'export * from "../../system/clock.ts";',
    "src/system/clock.ts: src/cook/ may import src/workflow/.",
  ],
  [
    "src/cook/execution/lanes.ts",
    'const git = await import("../../worktree/git.ts");',
    "src/worktree/git.ts: src/cook/ may import src/workflow/.",
  ],
  [
    "src/cook/execution/lanes.ts",
    'import "node:child_process";',
    "node:child_process: of node, src/cook/ may import node:crypto, node:path, node:util.",
  ],
  [
    "src/unified-session/state.ts",
    'import type { Event } from "../cook/decision/event.ts";',
    "src/cook/decision/event.ts: src/unified-session/ may import src/storage/, src/system/, and types of src/workflow/.",
  ],
  [
    "src/unified-session/cook-adapter.ts",
    'import { Step } from "../workflow/model.ts";',
    "src/workflow/model.ts: src/unified-session/cook- may use its types only. Write `import type`.",
  ],
  [
    "src/cli/program.ts",
    'import { compose } from "../compose.ts";',
    "src/compose.ts: src/cli/ may import src/index.ts.",
  ],
  [
    "src/index.ts",
    'import { main } from "./main.ts";',
    "src/main.ts: nothing imports main.ts, because importing it runs it.",
  ],
  [
    "src/index.test.ts",
    'import { main } from "./main.ts";',
    "src/main.ts: nothing imports main.ts, because importing it runs it.",
  ],
  [
    "src/agents/runner.ts",
    'import { env } from "node:process";',
    "node:process: only main.ts and system/ may touch the process.",
  ],
  [
    "src/novel/thing.ts",
    'import "../version.ts";',
    "src/version.ts: src/novel/ is not in the table of layers. Add it.",
  ],
])("in %s, %j is refused", async (file, source, reason) => {
  await using tree = await plant({ [file]: source });

  expect(await checkLayers(tree.path)).toEqual({ status: 1, faults: [`${file}:1 imports ${reason}`] });
});

test("new Date() outside of main and system is refused with its line", async () => {
  await using tree = await plant({
    "src/storage/journal.ts": "// new Date() in a comment is none.\nconst at = new Date();",
  });

  expect(await checkLayers(tree.path)).toEqual({
    status: 1,
    faults: ["src/storage/journal.ts:2 reads the clock by new Date(): only main.ts and system/ may. Pass the time in."],
  });
});

test("the linter refuses what the house style forbids", async () => {
  await using tree = await plant({
    "src/cook/bad.ts": `import { second } from "./second.ts";
export const first = 1;
export default first;
export async function pay(kind: "a" | "b", list: readonly string[], at: number, signal: AbortSignal): Promise<number> {
  setTimeout(pay, 1);
  console.log(process.env, Date.now(), Math.random(), second, at, signal);
  pay(kind, list, at, signal);
  switch (kind) {
    case "a":
      break;
  }
  const text: any = list[0]!;
  try {
    return pay(kind, text as string[], at, signal);
  } catch {
    return 0;
  }
}
`,
    "src/cook/second.ts": 'import { first } from "./bad.ts";\nexport const second = first;\n',
  });

  expect(await lint(tree.path)).toEqual([
    "eslint(max-params)",
    "eslint(no-console)",
    "eslint(no-restricted-globals)",
    "eslint(no-restricted-properties)",
    "import(no-cycle)",
    "import(no-default-export)",
    "typescript(consistent-type-assertions)",
    "typescript(no-explicit-any)",
    "typescript(no-floating-promises)",
    "typescript(no-misused-promises)",
    "typescript(no-non-null-assertion)",
    "typescript(return-await)",
    "typescript(switch-exhaustiveness-check)",
  ]);
});

test("in a unit test, floating promises and any are refused, and long functions are not", async () => {
  await using tree = await plant({
    "src/cook/some.test.ts": `import { pay } from "./pay.ts";\nexport async function long(value: any): Promise<void> {\n  pay(value);\n${"  await pay(1);\n".repeat(80)}}\n`,
    "src/cook/pay.ts": "export async function pay(amount: number): Promise<number> {\n  return amount;\n}\n",
  });

  expect(await lint(tree.path)).toEqual(["typescript(no-explicit-any)", "typescript(no-floating-promises)"]);
});

test("the lock file names no registry and knows every package on every platform", async () => {
  // npm ci refuses a lock file that lacks an optional package of another platform, and npm install may drop some when
  // the registry at hand does not have them. Take those lines of package-lock.json back.
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Readonly<Record<string, { resolved?: string; version?: string; optionalDependencies?: object }>>;
  };
  const entries = Object.entries(packages).filter(([path]) => path !== "");
  const optional = entries.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}));

  expect(entries.filter(([, { resolved, version }]) => resolved !== undefined || version === undefined)).toEqual([]);
  expect(
    optional.filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))),
  ).toEqual([]);
});

async function checkLayers(tree: string): Promise<{ status: number; faults: readonly string[] }> {
  const { status, stderr } = await run([join(root, "scripts/check-layers.mjs"), tree], tree);
  return { status, faults: stderr.split("\n\n")[0]!.split("\n").filter(Boolean) };
}

/** The names of the rules that were broken, each once. */
async function lint(tree: string): Promise<readonly string[]> {
  const { stdout } = await run([join(root, "node_modules/oxlint/bin/oxlint"), "--type-aware", "--format=json"], tree);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly { code: string }[] };
  return [...new Set(diagnostics.map(({ code }) => code))].sort();
}

async function run(argv: readonly string[], cwd: string): Promise<{ status: number; stdout: string; stderr: string }> {
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, argv, { cwd }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode ?? 1, stdout, stderr });
    });
  });
}

/** A temporary tree with this project's lint and compiler settings. */
async function plant(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "prodigy-house-rules-"));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
  }
  for (const file of [".oxlintrc.json", "tsconfig.json", "package.json"])
    await copyFile(join(root, file), join(path, file));
  await symlink(join(root, "node_modules"), join(path, "node_modules"));
  return { path, [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }) };
}
