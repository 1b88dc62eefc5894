/** `write_file:` — a file inside the worktree. */
import { formatContent } from "../../../workflow/format.ts";
import type { WriteFileAction } from "../../../workflow/model.ts";
import { fault } from "../../decision/fault.ts";
import { passed, type Ran, refusedWith } from "../result.ts";
import { Refusal, render } from "../room.ts";
import type { Execution } from "./execution.ts";

export async function runWriteFile(action: WriteFileAction, { room, setting, command }: Execution): Promise<Ran> {
  const { step } = command;
  const { ports, session } = room;
  const path = render(action.path, setting, step);
  if (path instanceof Refusal) return refusedWith(path.fault);
  const text = render(action.content, setting, step);
  if (text instanceof Refusal) return refusedWith(text.fault);
  const formatted = formatContent(text, action.format);
  if (!formatted.ok)
    return refusedWith(
      fault("file", `step "${step.label}" could not write ${path}: ${formatted.message}`, { at: step.at }),
    );
  const startedAt = ports.clock.now();
  const access = {
    root: setting.root,
    directory: setting.directory,
    path,
    allowOutside: session.order.workflow.settings.allowPathsOutside,
  };
  const written = await ports.files.write({
    ...access,
    content: formatted.content,
    mode: action.mode,
    createDirs: action.createDirs,
  });
  if (!written.ok) return refusedWith({ ...written.fault, at: step.at });
  return passed(`Wrote ${String(written.value.bytes)} bytes to ${path}`, ports.clock.now() - startedAt);
}
