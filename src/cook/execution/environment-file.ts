/** Reads one of `env_files:`, from the worktree or else from the user's repository. */
import { type EnvFile, parseEnvFile } from "../../workflow/env-file.ts";
import type { EnvironmentFile } from "../../workflow/model.ts";
import type { HostPort, Outcome } from "../ports.ts";
import { type EnvironmentRequest, refused, rendered, type Variables, withEnvironment } from "./environment-value.ts";

/** An env file larger than this is not one. */
export const MAX_ENV_FILE_BYTES = 1024 * 1024;

/** Null where there is none, and need be none. */
export async function readEnvironmentFile(
  file: EnvironmentFile,
  { place, scope, ports }: EnvironmentRequest,
  env: Readonly<Variables>,
): Promise<Outcome<EnvFile | null>> {
  const { at } = file;
  const path = rendered(file.path, withEnvironment(scope, env), { name: `env file ${file.path}`, at });
  if (!path.ok) return path;
  for (const root of [place.lane.directory, place.session.order.repository.path]) {
    if (root === null) continue;
    const read = await ports.host.readText(pathIn(root, path.value, ports.host), MAX_ENV_FILE_BYTES);
    if (!read.ok) return { ok: false, fault: { ...read.fault, at } };
    if (read.value !== null) return { ok: true, value: parseEnvFile(read.value) };
  }
  if (file.missing !== "fail") return { ok: true, value: null };
  const help = "make the file, or write `{path: FILE, optional: true}`";
  return refused(`the env file ${path.value} is required and not there`, { at, help });
}

/** What is to be told of a file once: that it is not there, and lines in it that say nothing. */
export function remarksOn({ path, missing, at }: EnvironmentFile, read: EnvFile | null): readonly string[] {
  const place = `${at.file}:${String(at.line)}:${String(at.column)}`;
  if (read === null)
    return missing === "ignore"
      ? []
      : [`the env file ${path} (${place}) is not there; write {path: ${path}, optional: true} if it need not be`];
  return read.problems.map(({ line, message }) => `line ${String(line)} of the env file ${path} (${place}) ${message}`);
}

/** Secrets lie in home folders more often than in repositories, and no shell fills in the `~` here. */
export function pathIn(root: string, path: string, { env }: Pick<HostPort, "env">): string {
  const home = env["HOME"];
  const full = home === undefined ? path : path.replace(/^~(?=\/)/, home);
  return full.startsWith("/") ? full : `${root}/${full}`;
}
