/**
 * A user's place in which the example workflows of the earlier program can run to their end: a small project with an
 * origin, stubs for the tools that they call, and a scripted agent that does what their slash commands mean.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ended, newRig, type Rig } from "./rig.ts";

const stubs = fileURLToPath(new URL("compat/", import.meta.url));
const workflows = fileURLToPath(new URL("../workflows/", import.meta.url));

export interface CompatRig extends Rig {
  /** Runs one of the files of test/workflows and lands what it did. */
  runFile(file: string, args?: readonly string[]): Ended;
}

export async function compatRig(): Promise<CompatRig> {
  const rig = await newRig();
  layOut(rig);
  const origin = join(rig.root, "origin.git");
  rig.git("clone", "--quiet", "--bare", rig.repo, origin);
  rig.git("remote", "add", "origin", origin);
  rig.git("fetch", "--quiet", "origin");
  // Outside the repository, as a tool that is installed is.
  const tools = join(rig.root, "tools");
  cpSync(stubs, tools, { recursive: true });
  mkdirSync(join(rig.root, "deploy"));
  const env = {
    PATH: [tools, rig.env["PATH"] ?? ""].join(delimiter),
    PRODIGY_AGENT: "scripted",
    PRODIGY_SCRIPT: join(stubs, "agent.yml"),
    SECRET_API_KEY: "a-secret-that-nobody-sees",
    GITHUB_TOKEN: "another-secret-that-nobody-sees",
    DEPLOY_DIR: "deploy",
  };
  return { ...rig, runFile: (file, args = []) => rig.prodigy(["run", join(workflows, file), "-y", ...args], env) };
}

/** The files that the workflows look for. */
function layOut(rig: Rig): void {
  const files: Readonly<Record<string, string>> = {
    "Cargo.toml": '[package]\nname = "project"\nversion = "1.2.3"\n',
    "src/main.rs": "fn main() {}\n",
    "src/lib.rs": "pub fn nothing() {}\n",
    "src/cook/execution/mapreduce.rs": "\n",
    "src/cook/workflow/executor.rs": "\n",
    "src/analyze/context.rs": "\n",
    "tests/integration_test.rs": "\n",
    "book/book.toml": '[book]\ntitle = "Project"\n',
    "frontend/package.json": "{}\n",
    "backend/README.md": "backend\n",
    "deploy/README.md": "deploy\n",
    "docs/guide.md": "guide\n",
    ".env.production": "FROM_FILE=yes\n",
    ".gitignore": ".prodigy/validation*.json\n.prodigy/*.txt\ntarget/\n",
    ".prodigy/book-config.json": "{}\n",
    "items.json": '{"items": [{"id": "one", "name": "one"}, {"id": "two", "name": "two"}]}\n',
    "workflows/data/prodigy-chapters.json": "[]\n",
    "workflows/data/workflow-syntax-sections.json": '{"sections": [{"id": "steps"}, {"id": "retry"}]}\n',
    "process.sh": '#!/bin/sh\ntest "$1" = file1.txt || test -e mended/item2.txt\n',
  };
  for (const [path, content] of Object.entries(files)) rig.write(path, content);
  spawnSync("chmod", ["+x", join(rig.repo, "process.sh")]);
  rig.commitAll("a small project");
}
