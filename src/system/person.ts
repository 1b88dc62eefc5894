import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { PersonPort } from "../cook/ports.ts";

/** How often an answer that is neither yes nor no is asked for again. */
const MAX_QUESTIONS = 3;

/** The streams of a terminal; `isTTY` says whether somebody can be there. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Asks the person at the terminal. Where there is none, nobody answers, which is neither a yes nor a no. */
export function openPerson(terminal: Terminal): PersonPort {
  return { confirm: (question, signal) => confirm(terminal, question, signal) };
}

async function confirm(
  { input, output }: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<"yes" | "no" | "nobody"> {
  if (input.isTTY !== true || output.isTTY !== true || signal.aborted) return "nobody";
  // Line mode: in raw mode readline would swallow Ctrl-C, which must reach the process as a signal.
  const lines = createInterface({ input, output, terminal: false });
  const typed = typedLines(lines);
  try {
    await typed.ahead(signal);
    for (let asked = 0; asked < MAX_QUESTIONS; asked++) {
      output.write(`${question} [Y/n] `);
      const line = await typed.next(signal);
      if (line === null) return "nobody";
      const answer = readAnswer(line);
      if (answer !== null) return answer;
      output.write("Please answer y or n.\n");
    }
    return "nobody";
  } finally {
    lines.close();
  }
}

function readAnswer(line: string): "yes" | "no" | null {
  const word = line.trim().toLowerCase();
  if (["", "y", "yes"].includes(word)) return "yes";
  return ["n", "no"].includes(word) ? "no" : null;
}

/** What was typed while nobody was asking has come by then. */
const AHEAD_MS = 50;

interface TypedLines {
  /** Takes what was typed before the question. Return, pressed hours ago to see whether it still runs, is no answer. */
  ahead(signal: AbortSignal): Promise<void>;
  /** Null at the end of the input and when the signal is aborted. */
  next(signal: AbortSignal): Promise<string | null>;
}

function typedLines(lines: ReturnType<typeof createInterface>): TypedLines {
  const waiting: string[] = [];
  let ended = false;
  let wake = (): void => undefined;
  lines.on("line", (line) => {
    waiting.push(line);
    wake();
  });
  lines.on("close", () => {
    ended = true;
    wake();
  });
  return {
    ahead: async (signal) => {
      // A stop ends the wait early, and the question after it.
      await sleep(AHEAD_MS, undefined, { signal }).catch(() => undefined);
      waiting.splice(0, waiting.length, ...waiting.filter((line) => line.trim() !== ""));
    },
    next: async (signal) => {
      while (waiting.length === 0 && !ended && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      return signal.aborted ? null : (waiting.shift() ?? null);
    },
  };
}
