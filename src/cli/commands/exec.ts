import { parseWorkflow, runWorkflow, type Workflow } from "../../index.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Run } from "../shell.ts";
import { inputFault, refuseInvalid } from "../workflow-file.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy exec COMMAND` */
export const exec: Run = async (invocation) => {
  const { shell, args, values } = invocation;
  const [command = ""] = args;
  const action = actionOf(command);
  if (action.text === "") return refuse(invocation, inputFault("the command to execute is empty"));
  // Written as a file would be, so that there is one meaning of a step and one place that checks it.
  const { workflow, diagnostics } = parseWorkflow(JSON.stringify(source(action, values)), {
    file: "exec",
    format: "json",
  });
  if (workflow === null) return refuseInvalid(invocation, "exec", diagnostics);
  return watchSession(invocation, {
    raw: true,
    begin: (watching) =>
      runWorkflow({
        ...watching,
        env: shell.env,
        path: repositoryPath(invocation),
        workflow: placed(workflow, command),
        yes: values.flag("yes"),
        agent: values.text("agent"),
      }),
  });
};

/** `claude: ...` and a leading slash are for the agent; `shell: ...` and everything else for the shell. */
export function actionOf(command: string): { readonly kind: "claude" | "shell"; readonly text: string } {
  const prefixed = /^(claude|shell):([^]*)$/.exec(command.trim());
  if (prefixed !== null)
    return { kind: prefixed[1] === "claude" ? "claude" : "shell", text: (prefixed[2] ?? "").trim() };
  const text = command.trim();
  return { kind: text.startsWith("/") ? "claude" : "shell", text };
}

function source(action: ReturnType<typeof actionOf>, values: Parameters<Run>[0]["values"]): unknown {
  const attempts = values.number("retry");
  const timeoutMs = values.duration("timeout");
  return {
    name: "exec",
    commands: [
      {
        [action.kind]: action.text,
        ...(attempts === null || attempts === 1 ? {} : { retry: { attempts, backoff: "fixed", initial_delay: "1s" } }),
        ...(timeoutMs === null || timeoutMs === 0 ? {} : { timeout: `${String(timeoutMs)}ms` }),
      },
    ],
  };
}

/** A failure then shows what was typed, not the text that we made of it. */
function placed(workflow: Workflow, command: string): Workflow {
  const at = { file: "exec", line: 1, column: 1, text: command.split("\n", 1)[0] ?? "" };
  return { ...workflow, steps: workflow.steps.map((step) => ({ ...step, at })) };
}
