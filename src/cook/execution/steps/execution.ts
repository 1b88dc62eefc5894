/** One attempt of one step, with all that it needs. */
import type { Attempt } from "../../decision/command.ts";
import type { Room, Setting } from "../room.ts";

export interface Execution {
  readonly room: Room;
  readonly setting: Setting;
  readonly command: Attempt;
  readonly logs: { readonly stdout: string; readonly stderr: string; readonly events: string };
  /** The nearest of the step's own limit and those around it. */
  readonly timeoutMs: number | null;
  /** The agent session that was journalled when the attempt began. */
  readonly agentSession: string;
}
