/** `claude:` — a prompt for an agent. */
import type { AgentAction, AgentSettings } from "../../../workflow/model.ts";
import { fromAgent, type Ran, refusedWith } from "../result.ts";
import { Refusal, render } from "../room.ts";
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
      settings: withDefaults(action.settings, room.session.order.workflow.agent),
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
  return fromAgent(run, { step: command.step, attempt: command.attempt, timeoutMs, logs: [logs.events, logs.stderr] });
}

function withDefaults(own: AgentSettings, defaults: AgentSettings): AgentSettings {
  return {
    model: own.model ?? defaults.model,
    maxTurns: own.maxTurns ?? defaults.maxTurns,
    maxBudgetUsd: own.maxBudgetUsd ?? defaults.maxBudgetUsd,
    effort: own.effort ?? defaults.effort,
    systemPrompt: own.systemPrompt ?? defaults.systemPrompt,
    onInterrupt: own.onInterrupt ?? defaults.onInterrupt,
  };
}
