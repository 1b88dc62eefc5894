import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { AgentRun, Outcome } from "../cook/ports.ts";
import { fault } from "../system/fault.ts";
import { judgeStreamJson } from "./claude-verdict.ts";
import type { AgentAdapter, AgentCommand, AgentPlace } from "./contract.ts";
import { parseStreamJson } from "./stream-json.ts";

/**
 * The agent that plays a script, in a process of its own and in the language that Claude Code speaks, so that all of
 * the runner is used. `docs/scripted-agent.md` describes it.
 */
export function scripted(command: readonly string[]): AgentAdapter {
  return {
    name: "scripted",
    canResume: true,
    prepare: async (run, place) => prepare(command, run, place),
    parse: parseStreamJson,
    finish: (transcript, exit) => judgeStreamJson("scripted", transcript, exit),
  };
}

function prepare(
  [bin = "", ...first]: readonly string[],
  run: AgentRun,
  { storageRoot }: AgentPlace,
): Outcome<AgentCommand> {
  const script = run.env["PRODIGY_SCRIPT"] ?? "";
  if (script === "") {
    const help = "Name a script in PRODIGY_SCRIPT; docs/scripted-agent.md tells how to write one.";
    return { ok: false, fault: fault("input", "The scripted agent was not started: it has no script.", help) };
  }
  const paths = [resolve(script), resolve(run.directory, script)];
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    return {
      ok: false,
      fault: fault(
        "input",
        `The scripted agent was not started: its script ${paths[0] ?? script} does not exist.`,
        "Correct PRODIGY_SCRIPT.",
      ),
    };
  }
  // Beside the logs of the lane: retries and resumes find it there, other sessions do not.
  const state = join(storageRoot, dirname(run.output.eventLog), "scripted");
  return {
    ok: true,
    value: {
      bin,
      args: [...first, "--script", path, "--state", state, run.resume ? "--resume" : "--session-id", run.sessionId],
      env: { ...run.env, PRODIGY_AUTOMATION: "true" },
      stdin: run.prompt,
      objection: () => null,
    },
  };
}
