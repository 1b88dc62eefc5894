/**
 * A user's place: a temporary git repository with one commit, a storage root of its own, and the built command line. What
 * the environment of the tests holds is not passed on.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Rig extends AsyncDisposable {
  /** The folder that holds everything. */
  readonly root: string;
  readonly repo: string;
  /** PRODIGY_HOME. */
  readonly home: string;
  /** The built program. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs the command line in the repository, without a terminal, and ends it after two minutes. */
  prodigy(args: readonly string[], env?: Readonly<Record<string, string>>, input?: string): Ended;
  /** The same for a soak, which may take longer. */
  prodigySlowly(args: readonly string[], env: Readonly<Record<string, string>>, limitMs: number): Ended;
  git(...args: readonly string[]): string;
  write(path: string, content: string): void;
  read(path: string): string;
  commitAll(message: string): void;
  /** Ids of all sessions, oldest first, as the storage has them. */
  sessions(): readonly string[];
  /** The session's JSON file. */
  session(id?: string): { readonly status: string; readonly [key: string]: unknown };
}

interface Call {
  readonly extra: Readonly<Record<string, string>>;
  readonly input: string;
  readonly limitMs: number;
}

/** How long one call may take before it is ended: no test may hang the suite. */
const MAX_CALL_MS = 120_000;

export async function newRig(options: { readonly name?: string } = {}): Promise<Rig> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "prodigy-rig-")));
  const [repo, home] = [join(root, options.name ?? "project"), join(root, "home")];
  const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
  for (const folder of [repo, join(root, "user"), join(root, "tmp")]) mkdirSync(folder, { recursive: true });
  const env = cleanEnvironment(root, home);
  const git = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync("git", args, { cwd: repo, env, encoding: "utf8" });
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trimEnd();
  };
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), content);
  };
  const commitAll = (message: string): void => {
    git("add", "--all");
    git("commit", "--quiet", "--message", message);
  };
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Test");
  git("config", "user.email", "test@example.com");
  write("README.md", "# Project\n");
  commitAll("first");
  const sessions = (): readonly string[] =>
    sessionFiles(home)
      .map((file) => file.replace(/^.*\/|\.json$/g, ""))
      .toSorted();
  const call = (args: readonly string[], { extra, input, limitMs }: Call): Ended => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      cwd: repo,
      env: { ...env, ...extra },
      encoding: "utf8",
      input,
      timeout: limitMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: status, stdout, stderr };
  };
  return {
    root,
    repo,
    home,
    main,
    env,
    git,
    write,
    commitAll,
    sessions,
    read: (path) => readFileSync(join(repo, path), "utf8"),
    session: (id = sessions().at(-1) ?? "") => {
      const file = sessionFiles(home).find((path) => path.endsWith(`/${id}.json`));
      if (file === undefined) throw new Error(`no session ${id}`);
      return JSON.parse(readFileSync(file, "utf8")) as { status: string };
    },
    prodigy: (args, extra = {}, input = "") => call(args, { extra, input, limitMs: MAX_CALL_MS }),
    prodigySlowly: (args, extra, limitMs) => call(args, { extra, input: "", limitMs }),
    [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function cleanEnvironment(root: string, home: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: join(root, "user"),
    TMPDIR: join(root, "tmp"),
    PRODIGY_HOME: home,
    LANG: "C.UTF-8",
    TERM: "dumb",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
}

function sessionFiles(home: string): readonly string[] {
  const state = join(home, "state");
  try {
    return readdirSync(state).flatMap((repository) => {
      const folder = join(state, repository, "sessions");
      // An earlier program kept other things beside the repositories.
      if (!existsSync(folder)) return [];
      return readdirSync(folder)
        .filter((file) => file.endsWith(".json"))
        .map((file) => join(folder, file));
    });
  } catch {
    return []; // Nothing has run yet.
  }
}
