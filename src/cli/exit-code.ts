/** What the shell gets to know. The exit code depends on nothing but how things ended; `docs/exit-codes.md` lists them. */
import type { Fault, RunResult } from "../index.ts";

export const EXIT_CODES = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  failedInputs: 3,
  paused: 4,
  notLanded: 5,
  bug: 70,
  hangup: 129,
  interrupted: 130,
  terminated: 143,
} as const satisfies Readonly<Record<string, number>>;

export function exitCodeOf(
  result: Pick<RunResult, "status" | "pause" | "landing" | "failedInputs" | "deadLetters">,
): number {
  switch (result.status) {
    case "failed":
      return EXIT_CODES.failed;
    case "paused":
      return pausedCode(result.pause);
    case "ended":
      // What is missing weighs more than what is not yet merged; the summary tells both.
      if (result.failedInputs > 0 || result.deadLetters > 0) return EXIT_CODES.failedInputs;
      return result.landing === "not-landed" ? EXIT_CODES.notLanded : EXIT_CODES.done;
  }
}

/** What was refused before a session began, or about a session that cannot be worked on. */
export function exitCodeOfFault(fault: Pick<Fault, "kind">): number {
  return WRONG_INPUT.has(fault.kind) ? EXIT_CODES.wrongUse : EXIT_CODES.failed;
}

/** `git` is here for the repository that was pointed at: none, a bare one, an empty one. */
const WRONG_INPUT: ReadonlySet<Fault["kind"]> = new Set(["input", "template", "expression", "environment", "git"]);

function pausedCode(pause: RunResult["pause"]): number {
  if (pause?.kind !== "signal") return EXIT_CODES.paused;
  switch (pause.signal) {
    case "SIGINT":
      return EXIT_CODES.interrupted;
    case "SIGTERM":
      return EXIT_CODES.terminated;
    case "SIGHUP":
      return EXIT_CODES.hangup;
  }
}
