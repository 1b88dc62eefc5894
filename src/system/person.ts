import { createInterface } from "node:readline/promises";
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
  try {
    for (let asked = 0; asked < MAX_QUESTIONS; asked++) {
      output.write(`${question} [Y/n] `);
      const line = await nextLine(lines, signal);
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

/** Null at the end of the input and when the signal is aborted. */
function nextLine(lines: ReturnType<typeof createInterface>, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const settle = (line: string | null): void => {
      lines.off("line", settle);
      lines.off("close", onEnd);
      signal.removeEventListener("abort", onEnd);
      resolve(line);
    };
    const onEnd = (): void => settle(null);
    lines.once("line", settle);
    lines.once("close", onEnd);
    signal.addEventListener("abort", onEnd);
  });
}
