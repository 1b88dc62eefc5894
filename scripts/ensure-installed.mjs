// @ts-check
// Installs the dependencies when node_modules is missing or differs from the lock file, so that every npm script works
// in a fresh clone. It compares versions and not file times: git touches the lock file without changing it. An argument
// names a folder of the repository that has a package of its own, such as test/real-agents.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** @typedef {{ version?: string, optional?: boolean }} Entry */

const folder = new URL(`../${process.argv[2] ?? "."}/`, import.meta.url);

if (!isInstalled()) install();

function isInstalled() {
  const wanted = packagesIn("package-lock.json");
  const present = packagesIn("node_modules/.package-lock.json");
  if (wanted === null) throw new Error("package-lock.json is missing. It is committed: restore it with git checkout.");
  if (present === null) return false;
  // Optional packages are mostly for other platforms; they are compared only where present.
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || (path in present ? present[path]?.version === version : optional === true),
  );
}

/**
 * @param {string} file
 * @returns {Record<string, Entry> | null}
 */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(new URL(file, folder), "utf8")).packages;
  } catch {
    return null; // Missing or half-written: install again.
  }
}

function install() {
  const npm = process.env["npm_execpath"];
  const [command, ...before] = npm === undefined ? ["npm"] : [process.execPath, npm];
  // Output goes to stderr, because stdout belongs to the script that is about to run.
  const { status } = spawnSync(command, [...before, "ci"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    // `npm run -s` would silence the reason of a failed installation too.
    env: { ...process.env, npm_config_loglevel: "error" },
  });
  if (status !== 0) process.exit(status ?? 1);
}
