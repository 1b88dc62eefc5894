import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import type { Outcome } from "../cook/ports.ts";
import { errorCode } from "../system/fault.ts";
import { openFiles } from "../system/files.ts";
import { locate } from "../system/safe-path.ts";
import type { ScriptAction } from "./script.ts";

export type ToolAction = Extract<
  ScriptAction,
  { readonly kind: "write" | "append" | "edit" | "delete" | "shell" | "commit" }
>;

export interface ToolAnswer {
  readonly ok: boolean;
  readonly text: string;
  /** A failing command is the agent's daily bread; a script that does not fit its files is a mistake. */
  readonly fatal: boolean;
}

interface Place {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Does what a script says to do. */
export async function perform(action: ToolAction, place: Place): Promise<ToolAnswer> {
  switch (action.kind) {
    case "write":
      return write(place, action.path, action.content);
    case "append": {
      const old = await read(place, action.path);
      return old.ok ? write(place, action.path, (old.value ?? "") + action.content) : refused(old.fault.message);
    }
    case "edit":
      return edit(place, action);
    case "delete": {
      const found = await locate(access(place, action.path));
      if (!found.ok) return refused(found.fault.message);
      await rm(resolve(place.directory, action.path), { force: true });
      return done("deleted");
    }
    case "shell":
      return run("/bin/sh", ["-c", action.script], place);
    case "commit":
      return commit(place, action);
  }
}

async function edit(
  place: Place,
  action: { readonly path: string; readonly from: string; readonly to: string },
): Promise<ToolAnswer> {
  const old = await read(place, action.path);
  if (!old.ok) return refused(old.fault.message);
  if (old.value === null) return refused(`${action.path} cannot be edited: it does not exist`);
  // Interrupted after the write and before it was noted down, it is asked for a second time.
  if (!old.value.includes(action.from) && old.value.includes(action.to)) return done("edited already");
  if (!old.value.includes(action.from))
    return refused(`${action.path} cannot be edited: it does not contain ${JSON.stringify(action.from)}`);
  return write(
    place,
    action.path,
    old.value.replace(action.from, () => action.to),
  );
}

async function commit(
  place: Place,
  { message, files }: { readonly message: string; readonly files: readonly string[] },
): Promise<ToolAnswer> {
  const added = await run("git", ["add", "--all", "--", ...(files.length === 0 ? ["."] : files)], place);
  if (!added.ok) return { ...added, fatal: true };
  const staged = await run("git", ["diff", "--cached", "--quiet"], place);
  if (staged.ok) return done("nothing to commit");
  const known = await run("git", ["config", "user.email"], place);
  const identity = known.ok ? [] : ["-c", "user.name=Scripted Agent", "-c", "user.email=scripted@example.invalid"];
  const committed = await run("git", [...identity, "commit", "--quiet", "--message", message], place);
  return { ...committed, fatal: !committed.ok };
}

/** What a scripted command may print. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

async function run(program: string, args: readonly string[], { directory, env }: Place): Promise<ToolAnswer> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      cwd: directory,
      env,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return { ok: true, text: stdout + stderr, fatal: false };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const said = "stderr" in error && typeof error.stderr === "string" ? error.stderr : "";
    const code = "code" in error && typeof error.code === "number" ? `Exit code ${error.code}\n` : "";
    return {
      ok: false,
      text: `${code}${said === "" && code === "" ? `${program}: ${errorCode(error) ?? error.message}` : said}`,
      fatal: false,
    };
  }
}

const files = openFiles({
  analyze: () => {
    throw new Error("a script does not analyze");
  },
});

/** What a script may edit. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

function access({ directory }: Place, path: string) {
  return { root: directory, directory, path, allowOutside: [] };
}

function read(place: Place, path: string): Promise<Outcome<string | null>> {
  return files.read({ ...access(place, path), maxBytes: MAX_FILE_BYTES });
}

async function write(place: Place, path: string, content: string): Promise<ToolAnswer> {
  const written = await files.write({ ...access(place, path), content, mode: null, createDirs: true });
  return written.ok ? done("written") : refused(written.fault.message);
}

function done(text: string): ToolAnswer {
  return { ok: true, text, fatal: false };
}

function refused(text: string): ToolAnswer {
  return { ok: false, text, fatal: true };
}
