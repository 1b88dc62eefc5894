// @ts-check
// A folder of its own for a bench: a repository, a storage root, the built program. Nothing of the user's is read.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The built command. */
export const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** @typedef {{ readonly root: string, readonly repository: string, readonly home: string, readonly env: Record<string, string> }} Place */

/**
 * Makes the folder, hands it over, and removes it whatever happens.
 *
 * @template T
 * @param {(place: Place) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function inPlace(use) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "prodigy-bench-")));
  try {
    for (const folder of ["repository", "user"]) mkdirSync(join(root, folder));
    return await use({
      root,
      repository: join(root, "repository"),
      home: join(root, "home"),
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        HOME: join(root, "user"),
        PRODIGY_HOME: join(root, "home"),
        LANG: "C.UTF-8",
        TERM: "dumb",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_SYSTEM: "/dev/null",
      },
    });
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

const FOLDERS = 50;
const FILES_IN_FOLDER = 100;

/**
 * Commits 5,000 small files, always the same.
 *
 * @param {Place} place
 */
export async function commitFiles({ repository, env }) {
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    const directory = join(repository, `part-${folder}`);
    mkdirSync(directory);
    for (let file = 0; file < FILES_IN_FOLDER; file += 1) {
      writeFileSync(join(directory, `file-${file}.txt`), `part ${folder}, file ${file}\n`.repeat(20));
    }
  }
  const where = { cwd: repository, env };
  await timed(["git", "init", "--quiet", "--initial-branch=main"], where);
  await timed(["git", "config", "user.name", "Bench"], where);
  await timed(["git", "config", "user.email", "bench@example.com"], where);
  await timed(["git", "add", "--all"], where);
  await timed(["git", "commit", "--quiet", "--message=first"], where);
}

/**
 * Runs a program to its end and gives the milliseconds that it took.
 *
 * @param {readonly string[]} command
 * @param {{ readonly cwd: string, readonly env: Record<string, string> }} where
 * @returns {Promise<number>}
 */
export function timed([program = "", ...args], { cwd, env }) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let told = "";
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (told += String(chunk)));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`${program} ${args.join(" ")} exited with ${code}: ${told}`));
    });
  });
}

/**
 * The events of the only session of the storage root.
 *
 * @param {Place} place
 * @returns {readonly { readonly type: string, readonly at: number }[]}
 */
export function eventsOf({ home }) {
  const events = join(home, "events");
  const files = readdirSync(events, { recursive: true }).map(String);
  return files
    .filter((file) => file.endsWith(".jsonl"))
    .flatMap((file) => readFileSync(join(events, file), "utf8").trimEnd().split("\n"))
    .flatMap((line) => JSON.parse(line).e ?? []);
}
