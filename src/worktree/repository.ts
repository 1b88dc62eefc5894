/** The user's repository: what it is, and which kinds we cannot work in. */
import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Outcome } from "../cook/ports.ts";
import { failed, fault, fine } from "./faults.ts";
import { type Git, gitLine, runGit, splitNul } from "./git.ts";
import { exists, readHead, readText } from "./head.ts";

export interface Identity {
  readonly name: string;
  readonly email: string;
}

export interface Repository {
  readonly git: Git;
  /** The real path of the worktree that the user stands in. */
  readonly topLevel: string;
  /** The real path of the git directory that all worktrees of the repository share. Its hash is the repository's key. */
  readonly commonDir: string;
  readonly gitDir: string;
  /** The main worktree; null where it is not known, as with a bare repository that has worktrees. */
  readonly mainWorktree: string | null;
  /** Whether the user stands in a worktree that was added to another. */
  readonly linked: boolean;
  /** The branch that is checked out, without `refs/heads/`; null on a detached HEAD. */
  readonly branch: string | null;
  readonly head: string;
  readonly objectFormat: string;
  readonly shallow: boolean;
  readonly submodules: boolean;
  readonly lfs: boolean;
  /** Who the user's commits are by; null where git was never told. */
  readonly identity: Identity | null;
  readonly signsCommits: boolean;
  /** The settings that decide what counts as a change, as arguments for a git that works elsewhere. */
  readonly changeSettings: readonly string[];
  readonly version: string;
}

/** Whose name our internal commits bear where git has no other. */
export const OWN_IDENTITY: Identity = { name: "Prodigy", email: "prodigy@localhost" };

/** Finds the repository that a folder belongs to, or says why we cannot work in it. */
export async function openRepository(options: {
  readonly path: string;
  readonly git: Git;
}): Promise<Outcome<Repository>> {
  const { git, path } = options;
  const where = await locate(git, path);
  if (!where.ok) return where;
  const { topLevel, gitDir, commonDir, objectFormat, shallow } = where.value;
  const head = await readHead(git, { gitDir, commonDir });
  if (head.commit === null) return failed(emptyRepository(topLevel, head.ref));
  const [identity, settings, version, submodules, lfs] = await Promise.all([
    readIdentity(git, topLevel),
    readSettings(git, topLevel),
    gitLine(git, { directory: topLevel, args: ["--version"] }),
    exists(join(topLevel, ".gitmodules")),
    usesLfs(topLevel, commonDir),
  ]);
  return fine({
    git,
    topLevel,
    commonDir,
    gitDir,
    mainWorktree:
      gitDir === commonDir
        ? topLevel
        : isTrue(settings, "core.bare") || basename(commonDir) !== ".git"
          ? null
          : dirname(commonDir),
    linked: gitDir !== commonDir,
    branch: head.ref?.startsWith("refs/heads/") ? head.ref.slice("refs/heads/".length) : null,
    head: head.commit,
    objectFormat,
    shallow,
    submodules,
    lfs,
    identity,
    signsCommits: isTrue(settings, "commit.gpgsign"),
    changeSettings: settings.flatMap(({ name, value }) =>
      CHANGE_SETTINGS.test(name) ? ["-c", value === null ? name : `${name}=${value}`] : [],
    ),
    version: version.ok ? version.value.replace(/^git version /, "") : "unknown",
  });
}

/** What a run that is going to commit must be told before its first paid step; null when git knows the user. */
export function identityFault(repository: Repository): Outcome<null> {
  if (repository.identity !== null) return fine(null);
  return failed(
    fault(
      "git",
      "git does not know who makes the commits of this run: user.name and user.email are not set",
      'git config --global user.name "Your Name" && git config --global user.email you@example.com',
    ),
  );
}

/** The environment under which we commit: the user's identity where there is one, else our own. */
export function committerEnvironment(repository: Repository): Readonly<Record<string, string>> {
  if (repository.identity !== null) return {};
  return identityEnvironment(OWN_IDENTITY);
}

export function identityEnvironment(identity: Identity): Readonly<Record<string, string>> {
  return {
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
  };
}

interface Location {
  readonly topLevel: string;
  readonly gitDir: string;
  readonly commonDir: string;
  readonly objectFormat: string;
  readonly shallow: boolean;
}

async function locate(git: Git, path: string): Promise<Outcome<Location>> {
  if (!(await exists(path))) {
    return failed(fault("git", `${path} does not exist`, "give the folder of a git repository with --path"));
  }
  const [kind, gitDir, commonDir, topLevel] = await askWhere(git, path);
  if (!kind?.ok || !gitDir?.ok || !commonDir?.ok) return failed(notARepository(path, kind));
  const [bare, inside, shallow, objectFormat = "sha1"] = kind.value.split("\n");
  if (bare === "true") {
    return failed(
      fault(
        "git",
        `${path} is a bare repository, which has no files to work on`,
        "clone it and run prodigy in the clone",
      ),
    );
  }
  if (inside === "true" || !topLevel?.ok) {
    return failed(
      fault(
        "git",
        `${path} is inside the git directory of a repository`,
        "run prodigy in the folder of the working files",
      ),
    );
  }
  return fine({
    topLevel: await realpath(topLevel.value),
    gitDir: await realpath(gitDir.value),
    commonDir: await realpath(join(commonDir.value.startsWith("/") ? "" : path, commonDir.value)),
    objectFormat,
    shallow: shallow === "true",
  });
}

/** What kind it is, and its three folders. */
async function askWhere(git: Git, path: string): Promise<readonly Outcome<string>[]> {
  const ask = (args: readonly string[]) => gitLine(git, { directory: path, args: ["rev-parse", ...args] });
  const flags = ["--is-bare-repository", "--is-inside-git-dir", "--is-shallow-repository", "--show-object-format"];
  const folders = ["--absolute-git-dir", "--git-common-dir", "--show-toplevel"];
  const together = await ask([...flags, ...folders]);
  const lines = together.ok ? together.value.split("\n") : [];
  if (lines.length === flags.length + folders.length)
    return [lines.slice(0, flags.length).join("\n"), ...lines.slice(flags.length)].map(fine);
  // One of them has no answer, or a folder's name has more than one line: then each is asked for by itself.
  return Promise.all([ask(flags), ...folders.map((folder) => ask([folder]))]);
}

function notARepository(path: string, answer: Outcome<string> | undefined): ReturnType<typeof fault> {
  // Another reason, such as a missing git or an owner that git does not trust, is the better answer.
  if (answer !== undefined && !answer.ok && !/not a git repository/.test(answer.fault.message)) return answer.fault;
  return fault(
    "git",
    `${path} is not in a git repository`,
    "run prodigy in a repository, or make one: git init && git add -A && git commit -m Start",
  );
}

function emptyRepository(topLevel: string, ref: string | null): ReturnType<typeof fault> {
  const branch = ref === null ? "" : ` on ${ref.replace("refs/heads/", "")}`;
  return fault(
    "git",
    `the repository ${topLevel} has no commit yet${branch}, so there is nothing to start from`,
    "git add -A && git commit -m Start",
  );
}

async function readIdentity(git: Git, directory: string): Promise<Identity | null> {
  const answer = await runGit(git, {
    directory,
    args: ["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"],
  });
  const match = /^(.+) <(.*)> \d+ [+-]\d+\s*$/.exec(answer.stdout.toString("utf8"));
  if (answer.code !== 0 || match === null) return null;
  return { name: match[1] ?? "", email: match[2] ?? "" };
}

interface Setting {
  /** In lower case, as git gives it. */
  readonly name: string;
  /** Null for a name that stands alone, which means true. */
  readonly value: string | null;
}

const CHANGE_SETTINGS = /^core\.(filemode|symlinks|ignorecase|precomposeunicode|trustctime|checkstat)$/;
const ASKED = "^(commit\\.gpgsign|core\\.(bare|filemode|symlinks|ignorecase|precomposeunicode|trustctime|checkstat))$";

async function readSettings(git: Git, directory: string): Promise<readonly Setting[]> {
  const answer = await runGit(git, { directory, args: ["config", "-z", "--get-regexp", ASKED] });
  return splitNul(answer.stdout).map((entry) => {
    const [name = "", ...value] = entry.toString("utf8").split("\n");
    return { name, value: value.length === 0 ? null : value.join("\n") };
  });
}

/** Git's own idea of a switch; the last word counts. */
function isTrue(settings: readonly Setting[], name: string): boolean {
  const setting = settings.findLast((entry) => entry.name === name);
  if (setting === undefined) return false;
  const { value } = setting;
  return value === null || /^(true|yes|on)$/i.test(value) || (/^[+-]?\d+$/.test(value) && Number(value) !== 0);
}

/** Large files live outside git; only their pointers pass through our hands. */
async function usesLfs(topLevel: string, commonDir: string): Promise<boolean> {
  const texts = await Promise.all(
    [join(topLevel, ".gitattributes"), join(commonDir, "info", "attributes")].map(readText),
  );
  return texts.some((text) => text !== null && /filter=lfs\b/.test(text));
}
