/** What a person sees while a session runs. */
import type { LiveSink, Recorded } from "../../index.ts";
import type { Shell } from "../shell.ts";
import { openDryNarrator } from "./dry-run.ts";
import { openLiveArea } from "./live.ts";
import type { Line } from "./line.ts";
import { type Narrator, openNarrator } from "./narrator.ts";
import { printable } from "./format.ts";
import { canRedraw, type Style, styleFor } from "./style.ts";

export interface Display extends Disposable {
  readonly replay: (event: Recorded) => void;
  readonly observe: (event: Recorded) => void;
  readonly notice: (message: string) => void;
  readonly live: LiveSink;
  /** Takes away what moves for as long as a question stands. */
  readonly asking: Shell["confirm"];
}

export interface DisplayOptions {
  readonly shell: Shell;
  readonly verbosity: number;
  /** Everything goes to stderr, because stdout is for a program. */
  readonly json: boolean;
  readonly dryRun: boolean;
  /** What steps print is passed on as it is: that is what `exec` was called for. */
  readonly raw: boolean;
}

/** Plain lines in a pipe, and a live area below them on a terminal. */
export function openDisplay({ shell, verbosity, json, dryRun, raw }: DisplayOptions): Display {
  const output = json ? shell.stderr : shell.stdout;
  const style = styleFor(output, shell.env);
  const narrator: Narrator = dryRun ? openDryNarrator() : openNarrator(verbosity);
  const area = canRedraw(output, shell.env) && !dryRun ? openLiveArea({ output, style, now: shell.now }) : null;
  const print = (line: Line): void => {
    const text = `${painted(line, style)}\n`;
    if (area === null) output.write(text);
    else area.above(text);
  };
  const passOn = (stream: "stdout" | "stderr", line: string): void => {
    if (area !== null) area.above(`${line}\n`);
    else shell[stream].write(`${line}\n`);
  };
  return {
    replay: (event) => {
      narrator.replay(event);
      area?.replay(event);
    },
    observe: (event) => {
      area?.observe(event);
      for (const line of narrator.tell(event)) print(line);
    },
    notice: (message) => print({ kind: "warning", text: printable(message) }),
    live: {
      line: (...[lane, path, stream, line]) => {
        area?.said(lane, path, line);
        if (raw && !json) passOn(stream, line);
        else if (verbosity >= 1)
          print({ kind: "detail", text: `${stream === "stderr" ? "! " : "| "}${printable(line)}` });
      },
      // What an agent does is among its lines as well; here it is only for the live area.
      activity: (lane, path, text) => area?.said(lane, path, text),
    },
    asking: async (question, signal) => {
      area?.hide();
      try {
        return await shell.confirm(question, signal);
      } finally {
        area?.show();
      }
    },
    [Symbol.dispose]: () => area?.[Symbol.dispose](),
  };
}

function painted({ kind, text }: Line, style: Style): string {
  switch (kind) {
    case "progress":
      return text;
    case "detail":
      return style.dim(`  ${text}`);
    case "good":
      return style.green(`  ${text}`);
    case "bad":
      return style.red(`  ${text}`);
    case "warning":
      return style.yellow(`Warning: ${text}`);
    case "debug":
      return style.dim(text);
  }
}
