import { requestStop } from "../../index.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy stop ID` */
export const stop: Run = (invocation) => request(invocation, "stop");

/** `prodigy pause ID` */
export const pause: Run = (invocation) => request(invocation, "pause");

async function request(invocation: Invocation, kind: "stop" | "pause"): Promise<number> {
  const { shell, args, json } = invocation;
  const [session = ""] = args;
  const asked = await requestStop({ env: shell.env, path: repositoryPath(invocation), session, kind });
  if (!asked.ok) return refuse(invocation, asked.fault);
  const { session: id, pid } = asked.value;
  const when = kind === "stop" ? "stops now" : "pauses after what runs now";
  if (json) printJson(shell.stdout, { session: id, pid, requested: kind });
  else shell.stdout.write(`Session ${id} ${when} (process ${String(pid)}).\nresume with: prodigy resume ${id}\n`);
  return EXIT_CODES.done;
}
