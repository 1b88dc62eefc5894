import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { glob } from "tinyglobby";
import type { FileAccess, FilesPort, Outcome } from "../cook/ports.ts";
import { describeError, errorCode, fault } from "./fault.ts";
import { locate } from "./safe-path.ts";

/** Files of worktrees. `analyze` is the worktree's own business and is passed in. */
export function openFiles(options: { readonly analyze: FilesPort["analyze"] }): FilesPort {
  return { read, write, list, analyze: options.analyze };
}

/** As a shell would: hidden files only where a pattern names them; what git and installers keep for themselves, never. */
async function list(options: {
  readonly root: string;
  readonly patterns: readonly string[];
}): ReturnType<FilesPort["list"]> {
  const outside = options.patterns.find((pattern) => isAbsolute(pattern) || pattern.split("/").includes(".."));
  if (outside !== undefined) return refuse(`Listing ${outside} was refused: it leads out of the worktree.`);
  try {
    const found = await glob([...options.patterns], {
      cwd: options.root,
      ignore: ["**/.git/**", "**/node_modules/**"],
      expandDirectories: false,
      followSymbolicLinks: false,
    });
    return { ok: true, value: found.toSorted() };
  } catch (error) {
    return refuse(`Listing ${options.patterns.join(", ")} failed: ${describeError(error)}`);
  }
}

async function read(access: FileAccess & { readonly maxBytes: number }): Promise<Outcome<string | null>> {
  const place = await locate(access);
  if (!place.ok) return place;
  const { directory, name, shown } = place.value;
  if (directory === null) return { ok: true, value: null };
  try {
    await using folder = await openDirectory(directory);
    // Not to hang at a named pipe that nobody writes to.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(join(folder.path, name), flags);
    const { size } = await file.stat();
    if (!(await file.stat()).isFile()) return refuse(`Reading ${shown} was refused: it is not a file.`);
    if (size > access.maxBytes) {
      return refuse(`Reading ${shown} was refused: it has ${size} bytes, and at most ${access.maxBytes} are read.`);
    }
    return { ok: true, value: await file.readFile("utf8") };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { ok: true, value: null };
    return refuse(`Reading ${shown} failed: ${describeError(error)}.`);
  }
}

async function write(
  access: FileAccess & { readonly content: string; readonly mode: number | null; readonly createDirs: boolean },
): Promise<Outcome<{ readonly path: string; readonly bytes: number }>> {
  const first = await locate(access);
  if (!first.ok) return first;
  const { shown } = first.value;
  try {
    if (first.value.directory === null) {
      if (!access.createDirs)
        return refuse(`Writing ${shown} failed: its folder does not exist.`, "Set create_dirs: true to make it.");
      await mkdir(first.value.wanted, { recursive: true });
    }
    // Looked at again, because making folders takes time in which a link can be put in their place.
    const place = await locate(access);
    if (!place.ok) return place;
    const { directory, name } = place.value;
    if (directory === null) return refuse(`Writing ${shown} failed: its folder vanished.`);
    await using folder = await openDirectory(directory);
    await replaceIn(folder.path, name, access);
    return { ok: true, value: { path: join(directory, name), bytes: Buffer.byteLength(access.content) } };
  } catch (error) {
    return refuse(`Writing ${shown} failed: ${describeError(error)}.`);
  }
}

/** Replaces the file as a whole: a reader sees the old text or the new one, and so do we after a crash. */
async function replaceIn(
  directory: string,
  name: string,
  { content, mode }: { readonly content: string; readonly mode: number | null },
): Promise<void> {
  const target = join(directory, name);
  const old = await stat(target).catch(() => null);
  if (old?.isDirectory() === true) throw new Error("it is a directory");
  const temporary = join(directory, `.${name.slice(0, 100)}.${process.pid}.${counter++}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    await using file = await open(temporary, flags, 0o666);
    await file.writeFile(content);
    const wanted = mode ?? (old === null ? null : old.mode & 0o7777);
    if (wanted !== null) await file.chmod(wanted);
    await file.sync();
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

let counter = 0;

/**
 * Holds a folder open, so that what is done next is done in that very folder, even if a link has been put in its place
 * in the meantime. Where the system has no `/proc`, the path has to do.
 */
async function openDirectory(
  directory: string,
): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  if (process.platform !== "linux") return { path: directory, [Symbol.asyncDispose]: async () => undefined };
  const handle: FileHandle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const path = `/proc/self/fd/${handle.fd}`;
  const real = await realpath(path);
  if (real === directory) return { path, [Symbol.asyncDispose]: () => handle.close() };
  await handle.close();
  throw new Error("its folder was replaced while it was being opened");
}

function refuse(
  message: string,
  help: string | null = null,
): { readonly ok: false; readonly fault: ReturnType<typeof fault> } {
  return { ok: false, fault: fault("file", message, help) };
}
