import picocolors from "picocolors";
import type { Output, Shell } from "../shell.ts";

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/** Colours, where somebody sees them and has not asked for none. */
export function styleFor(output: Output, env: Shell["env"]): Style {
  return picocolors.createColors(hasColours(output, env));
}

/** Whether lines that are already written can be written over. */
export function canRedraw(output: Output, env: Shell["env"]): boolean {
  return output.isTTY === true && env["TERM"] !== "dumb" && !isSet(env["CI"]);
}

function hasColours(output: Output, env: Shell["env"]): boolean {
  if (isSet(env["NO_COLOR"])) return false;
  if (isSet(env["FORCE_COLOR"])) return env["FORCE_COLOR"] !== "0";
  return output.isTTY === true && env["TERM"] !== "dumb";
}

/** https://no-color.org: present and not empty. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
