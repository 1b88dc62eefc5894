/** `claude:` — a prompt for an agent. */
import { withAgentDefaults } from "../../../workflow/agent-settings.ts";
import type { AgentAction } from "../../../workflow/model.ts";
import { fromAgent, type Ran, refusedWith } from "../result.ts";
import { leftIn, Refusal, render } from "../room.ts";
import type { Execution } from "./execution.ts";

export async function runAgent(action: AgentAction, execution: Execution): Promise<Ran> {
  const { room, setting, command, logs, timeoutMs, agentSession } = execution;
  const prompt = render(action.prompt, setting, command.step);
  if (prompt instanceof Refusal) return refusedWith(prompt.fault);
  const { lane, path } = command;
  const run = await room.ports.agents.run(
    {
      lane,
      agent: action.agent,
      prompt,
      settings: withAgentDefaults(action.settings, room.session.order.workflow.agent),
      sessionId: agentSession,
      resume: command.resume !== null,
      directory: setting.directory,
      env: setting.env,
      timeoutMs,
      output: {
        stdoutLog: logs.stdout,
        stderrLog: logs.stderr,
        eventLog: logs.events,
        onLine: (stream, line) => room.live.line(lane, path, stream, line),
        onActivity: (text) => room.live.activity(lane, path, text),
      },
    },
    room.signal,
  );
  const about = { step: command.step, attempt: command.attempt, timeoutMs, logs: [logs.events, logs.stderr] };
  const ran = fromAgent(run, about);
  const left = leftIn(action.prompt, setting);
  if (ran.kind !== "ended" || left.length === 0) return ran;
  const names = left.slice(0, MAX_LEFT).join(", ");
  const warning = `step "${command.step.label}" went to the agent with ${names} in its prompt: there is no such variable (write $\${...} for the text itself)`;
  return { ...ran, warnings: [...ran.warnings, warning] };
}

/** A prompt about templates may be full of them. */
const MAX_LEFT = 5;
