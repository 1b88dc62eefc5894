/** `auto_commit`: commits what a step left uncommitted. */
import type { Outcome, TreesPort } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { git, gitLine, gitYes, joinNul } from "./git.ts";
import { settleHead } from "./lane-head.ts";
import { findPlace } from "./prepare.ts";
import { committerEnvironment } from "./repository.ts";
import type { Workshop } from "./workshop.ts";

type Options = Parameters<TreesPort["commit"]>[0];

/** See `TreesPort.commit`. With `squash`, the commits since `since` become one with what is uncommitted. */
export async function commitLane(workshop: Workshop, options: Options): Promise<Outcome<string | null>> {
  const { message, config, since } = options;
  const place = await findPlace(workshop, options.lane);
  if (!place.ok) return place;
  const head = await settleHead(workshop, place.value, since);
  if (!head.ok) return head;
  const runner = workshop.repository.git;
  const call = { directory: place.value.directory };
  const staged = await git(runner, {
    ...call,
    args: ["add", "-A", "--pathspec-from-file=-", "--pathspec-file-nul"],
    stdin: joinNul(pathspecs(options)),
  });
  // A pattern that matches nothing is nothing to commit.
  if (!staged.ok) return /did not match any file/.test(staged.fault.message) ? fine(null) : staged;
  const base = config.squash ? since : head.value;
  if (base !== head.value) {
    const back = await git(runner, { ...call, args: ["reset", "-q", "--soft", base] });
    if (!back.ok) return back;
  }
  const same = await gitYes(runner, { ...call, args: ["diff-index", "--cached", "--quiet", base] });
  if (!same.ok) return same;
  if (same.value) return fine(null);
  const flags = [
    ...(config.sign ? ["--gpg-sign"] : []),
    ...(config.author === null ? [] : [`--author=${config.author}`]),
  ];
  const made = await git(runner, {
    ...call,
    args: ["commit", "-q", "--cleanup=whitespace", ...flags, "-F", "-"],
    env: committerEnvironment(workshop.repository),
    stdin: message,
  });
  return made.ok ? gitLine(runner, { ...call, args: ["rev-parse", "HEAD"] }) : made;
}

/** Patterns of the workflow, in git's words: `*` stays within a folder and `**` does not. */
function pathspecs(options: Options): readonly string[] {
  const { includeFiles, excludeFiles } = options.config;
  const anywhere = (pattern: string): string => (pattern.includes("/") ? pattern : `**/${pattern}`);
  const included =
    includeFiles === null ? [":(top)"] : includeFiles.map((pattern) => `:(top,glob)${anywhere(pattern)}`);
  return [...included, ...excludeFiles.map((pattern) => `:(top,exclude,glob)${anywhere(pattern)}`)];
}
