/** What people see of a step. */
import type { Action } from "./model.ts";

const MAX_LABEL_LENGTH = 80;

/** The label of a step without a name: its action, shortened. */
export function labelOf(action: Action): string {
  return firstLine(fullLabel(action));
}

/** A name is shortened in the same way. */
export function firstLine(text: string): string {
  const line = (text.trim().split("\n")[0] ?? "").trimEnd();
  const characters = Array.from(line);
  return characters.length <= MAX_LABEL_LENGTH ? line : characters.slice(0, MAX_LABEL_LENGTH).join("").trimEnd();
}

function fullLabel(action: Action): string {
  switch (action.kind) {
    case "agent":
      return `claude: ${action.prompt.trim()}`;
    case "shell":
      return `shell: ${action.script.trim()}`;
    case "write_file":
      return `write_file: ${action.path}`;
    case "foreach":
      return `foreach: ${action.input.kind === "command" ? action.input.script.trim() : `${action.input.items.length} items`}`;
    case "goal_seek":
      return `goal_seek: ${action.goal.trim()}`;
    case "analyze":
      return "analyze";
    case "call":
      return `${action.isolated ? "workflow" : "use"}: ${action.name}`;
    case "map":
      return "map";
    case "group":
      return `${action.steps.length} ${action.steps.length === 1 ? "step" : "steps"}`;
  }
}
