// @ts-check
// `npm run demo`: the main job, visible, with no account. A small project is laid out as a real git repository in a
// temporary folder, and the built `prodigy` runs a workflow over it with the scripted agent.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = join(root, "dist", "main.js");
const example = join(root, "examples", "demo");
const scratch = mkdtempSync(join(tmpdir(), "prodigy-demo-"));
const project = join(scratch, "converters");
const env = {
  ...process.env,
  PRODIGY_HOME: join(scratch, "home"),
  PRODIGY_AGENT: "scripted",
  PRODIGY_SCRIPT: join(example, "agent.yml"),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
};

if (!existsSync(main)) fail("dist/main.js is not there: run npm run build");
cpSync(join(example, "project"), project, { recursive: true });
git("init", "--quiet", "--initial-branch=main");
git("config", "user.name", "Demo");
git("config", "user.email", "demo@example.com");
git("add", "--all");
git("commit", "--quiet", "--message", "A tiny library");

say(`A project lies in ${project}; its only commit:`);
show("git", ["log", "--oneline"]);
say("prodigy run examples/demo/workflow.yml --yes");
const run = spawnSync(process.execPath, [main, "run", join(example, "workflow.yml"), "--yes"], {
  cwd: project,
  env,
  stdio: "inherit",
});
if (run.status !== 0) fail(`the run ended with exit code ${String(run.status)}`);
say("What landed on main:");
show("git", ["log", "--graph", "--oneline", "--stat=72"]);
say("Its tests, on main:");
show(process.execPath, ["--test", "--test-reporter=dot", "test/"]);
say("The session, as prodigy remembers it:");
show(process.execPath, [main, "sessions", "list"]);

if (process.env["PRODIGY_DEMO_KEEP"] === undefined) {
  rmSync(scratch, { recursive: true, force: true });
  console.log("\nEverything was done in a temporary folder, which is gone now. PRODIGY_DEMO_KEEP=1 keeps it.");
} else {
  console.log(`\nKept: ${scratch}`);
}

/** @param {string[]} args */
function git(...args) {
  const { status, stderr } = spawnSync("git", args, { cwd: project, env, encoding: "utf8" });
  if (status !== 0) fail(`git ${args.join(" ")}: ${stderr}`);
}

/** @param {string} command @param {string[]} args */
function show(command, args) {
  const { status } = spawnSync(command, args, { cwd: project, env, stdio: "inherit" });
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with exit code ${String(status)}`);
}

/** @param {string} text */
function say(text) {
  console.log(`\n\u001B[1m> ${text}\u001B[0m`);
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`demo: ${message} (left in ${scratch})`);
  process.exit(1);
}
