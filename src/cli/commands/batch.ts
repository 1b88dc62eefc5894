import { matchFiles, parseWorkflow, runWorkflow } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { printJson } from "../render/json.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { inputFault, refuseInvalid } from "../workflow-file.ts";
import { actionOf } from "./exec.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy batch PATTERN... --command CMD`: one item of a map for each file that matches. */
export const batch: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const command = values.text("command");
  if (command === null) throw new UsageError("missing required argument: --command CMD, what is done for each file");
  const action = actionOf(command);
  if (action.text === "") return refuse(invocation, inputFault("the command to execute is empty"));
  const path = repositoryPath(invocation);
  if (!(await anyMatches(path, args))) {
    const message = `no items: no file in ${path} matches ${args.join(", ")}`;
    if (json) printJson(shell.stdout, { items: 0 });
    else shell.stdout.write(`${message}; nothing was run\n`);
    return EXIT_CODES.done;
  }
  const source = JSON.stringify(sourceOf(invocation, action));
  // Written as a file would be, so that there is one meaning of a map and one place that checks it.
  const { workflow, diagnostics } = parseWorkflow(source, { file: "batch", format: "json" });
  if (workflow === null) return refuseInvalid(invocation, "batch", diagnostics);
  return watchSession(invocation, {
    // What a shell command prints is what it was called for; what agents say would drown everything else.
    raw: action.kind === "shell",
    begin: (watching) =>
      runWorkflow({
        ...watching,
        env: shell.env,
        path,
        workflow,
        yes: values.flag("yes"),
        agent: values.text("agent"),
      }),
  });
};

/** Patterns that begin with `!` take away from what the others match. */
async function anyMatches(path: string, patterns: readonly string[]): Promise<boolean> {
  const without = new Set<string>();
  for (const pattern of patterns)
    if (pattern.startsWith("!")) for (const file of await matchFiles(path, pattern.slice(1))) without.add(file);
  for (const pattern of patterns) {
    if (pattern.startsWith("!")) continue;
    if ((await matchFiles(path, pattern)).some((file) => !without.has(file))) return true;
  }
  return false;
}

function sourceOf({ args, values }: Invocation, action: ReturnType<typeof actionOf>): unknown {
  const attempts = values.number("retry") ?? 1;
  const timeoutMs = values.duration("timeout") ?? 0;
  const parallel = values.number("parallel") || DEFAULT_PARALLEL;
  const retry = { attempts, backoff: "fixed", initial_delay: "1s" };
  return {
    name: "batch",
    mode: "mapreduce",
    map: {
      input: { glob: args },
      max_parallel: parallel,
      ...(timeoutMs === 0 ? {} : { agent_timeout_secs: `${String(timeoutMs)}ms` }),
      // `${item.item}` is how the earlier program called a file.
      agent_template: [
        { [action.kind]: action.text.replaceAll("${item.item}", "${item}"), ...(attempts > 1 ? { retry } : {}) },
      ],
    },
  };
}

const DEFAULT_PARALLEL = 5;
