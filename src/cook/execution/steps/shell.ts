/** `shell:` — a script, run by `sh -c` in the step's directory. */
import type { ShellAction } from "../../../workflow/model.ts";
import { fromCommand, type Ran, refusedWith } from "../result.ts";
import { Refusal, renderScript } from "../room.ts";
import type { Execution } from "./execution.ts";

export async function runShell(action: ShellAction, execution: Execution): Promise<Ran> {
  const { room, setting, command, logs, timeoutMs } = execution;
  const script = renderScript(action.script, setting, command.step);
  if (script instanceof Refusal) return refusedWith(script.fault);
  const { lane, path } = command;
  const output = {
    stdoutLog: logs.stdout,
    stderrLog: logs.stderr,
    onLine: (stream: "stdout" | "stderr", line: string) => room.live.line(lane, path, stream, line),
  };
  const run = await room.ports.commands.run(
    { lane, script, directory: setting.directory, env: setting.env, timeoutMs, output },
    room.signal,
  );
  return fromCommand(run, {
    step: command.step,
    attempt: command.attempt,
    timeoutMs,
    logs: [logs.stdout, logs.stderr],
  });
}
