/** A workflow file written anew, with the file as it was kept beside it. */
import { constants } from "node:fs";
import { copyFile, readFile, realpath, stat } from "node:fs/promises";
import type { Outcome } from "../cook/ports.ts";
import { replaceFile } from "../storage/atomic.ts";
import { fileFault, ok, reason, systemCode } from "../storage/fault.ts";
import { looksSecret } from "../workflow/secret-names.ts";

/** More copies of one file than anybody has use for. */
const MAX_BACKUPS = 100;

/** Replaces a file as a whole, if it still is what it was. Returns where the old one is kept. */
export async function writeFixedFile(
  path: string,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<Outcome<string>> {
  try {
    // A link stays a link: what it leads to is replaced.
    const target = await realpath(path);
    if ((await readFile(target, "utf8")) !== before)
      return fileFault(`Could not write ${path}: it has been changed since it was read. Look at it again.`);
    const backup = await keepCopy(target);
    await replaceFile(target, after, { durable: true, mode: (await stat(target)).mode & 0o777 });
    return ok(backup);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return fileFault(`Could not write ${path}: it is not there any more.`);
    return fileFault(`Could not write ${path}: ${reason(error)}`);
  }
}

/** The first copy is the one nearest to what the author wrote, so that no copy is ever overwritten. */
async function keepCopy(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const copy = number === 1 ? `${path}.bak` : `${path}.bak${String(number)}`;
    try {
      await copyFile(path, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (error) {
      if (systemCode(error) !== "EEXIST" || number >= MAX_BACKUPS) throw error;
    }
  }
}

const KEY = /^(\s*(?:- +)*["']?)([\w.-]+)(["']?\s*:\s*)(.*)$/u;

/** The lines of a workflow file as they may be shown: values of secrets, and of what is named like one, are left out. */
export function showableLines(text: string): readonly string[] {
  let secretColumn: number | null = null;
  return text.split("\n").map((line) => {
    const [, lead = "", name = "", colon = "", value = ""] = KEY.exec(line) ?? [];
    const column = line.search(/\S/u);
    if (secretColumn !== null && column !== -1 && column <= secretColumn) secretColumn = null;
    const isSecret = name === "secrets" || looksSecret(name);
    if (secretColumn !== null && !isSecret)
      return name === "" ? line.replace(/\S.*$/u, "***") : `${lead}${name}${colon}${value === "" ? "" : "***"}`;
    if (!isSecret) return hideInFlow(line);
    secretColumn ??= lead.length;
    return `${lead}${name}${colon}${value === "" ? "" : "***"}`;
  });
}

/** Several keys of one line, as in `{API_TOKEN: abc, other: 1}`: what follows the first secret is not shown. */
function hideInFlow(line: string): string {
  for (const match of line.matchAll(/([\w.-]+)(["']?\s*[:=]\s*)\S/gu)) {
    const [whole, name = ""] = match;
    if (name === "secrets" || looksSecret(name)) return `${line.slice(0, match.index + whole.length - 1)}***`;
  }
  return line;
}
