import { openSalvage } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { moment, printable, table } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy salvage list` */
export const list: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const room = await roomOf(invocation);
  if (!room.ok) return refuse(invocation, room.fault);
  const listed = await room.value.list(args[0] ?? null);
  if (!listed.ok) return refuse(invocation, listed.fault);
  if (json) printJson(shell.stdout, listed.value);
  else if (listed.value.length === 0) shell.stdout.write("Nothing was kept aside.\n");
  else {
    const rows = listed.value.map(({ name, at, reason }) => [name, moment(at), printable(reason)]);
    shell.stdout.write(table([["NAME", "WHEN", "WHY"], ...rows]));
  }
  return EXIT_CODES.done;
};

/** `prodigy salvage show NAME` */
export const show: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const [name = ""] = args;
  const room = await roomOf(invocation);
  if (!room.ok) return refuse(invocation, room.fault);
  const found = await room.value.show(name);
  if (!found.ok) return refuse(invocation, found.fault);
  const { entry, commits, changes, patch } = found.value;
  if (json) {
    printJson(shell.stdout, found.value);
    return EXIT_CODES.done;
  }
  const lines = [
    `${entry.name}, kept ${moment(entry.at)}: ${entry.reason}`,
    ...commits.map(({ hash, message }) => `commit ${hash.slice(0, 12)} ${message.split("\n", 1)[0] ?? ""}`),
    ...changes.added.map((path) => `added    ${path}`),
    ...changes.modified.map((path) => `modified ${path}`),
    ...changes.deleted.map((path) => `deleted  ${path}`),
    "",
    patch ?? "The patch is too long to be shown.",
    `restore with: prodigy salvage restore ${entry.name}`,
  ];
  shell.stdout.write(lines.map((line) => `${line.split("\n").map(printable).join("\n")}\n`).join(""));
  return EXIT_CODES.done;
};

/** `prodigy salvage restore NAME` */
export const restore: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const [name = ""] = args;
  const room = await roomOf(invocation);
  if (!room.ok) return refuse(invocation, room.fault);
  const branch = values.text("branch") ?? `salvage-${name.slice(name.lastIndexOf("/") + 1)}`;
  const made = await room.value.restore(name, branch);
  if (!made.ok) return refuse(invocation, made.fault);
  if (json) printJson(shell.stdout, { name, ...made.value });
  else
    shell.stdout.write(
      `Made branch ${made.value.branch} at ${made.value.commit.slice(0, 12)}.\nlook at it with: git log -p ${made.value.branch}\n`,
    );
  return EXIT_CODES.done;
};

function roomOf(invocation: Invocation): ReturnType<typeof openSalvage> {
  return openSalvage({ env: invocation.shell.env, path: repositoryPath(invocation) });
}
