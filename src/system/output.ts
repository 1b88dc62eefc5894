import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import type { Masker } from "./masker.ts";
import { openMaskStream } from "./mask-stream.ts";

/** What of a command's output is kept in memory. More than that is in its log. */
export const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;

/** A log stops growing here, so that a command that never stops talking does not fill the disk. */
export const MAX_LOG_BYTES = 256 * 1024 * 1024;

/** A longer line is shown in pieces. */
const MAX_LINE_CHARACTERS = 64 * 1024;

/** Takes the bytes of one stream as they come. */
export interface OutputSink {
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** A text log, masked, written as it comes. */
export interface Log {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface CapturedOutput extends OutputSink {
  /** What came, unmasked, up to `MAX_CAPTURE_BYTES`. */
  text(): string;
  truncated(): boolean;
}

/** Captures a stream, and writes it masked to its log and, line by line, to who listens. */
export async function openCapturedOutput(options: {
  /** Null: none is written. */
  readonly log: string | null;
  readonly masker: Masker;
  readonly onLine: (line: string) => void;
  /** How much to keep in memory. @default MAX_CAPTURE_BYTES */
  readonly keepBytes?: number;
}): Promise<CapturedOutput> {
  const keepBytes = options.keepBytes ?? MAX_CAPTURE_BYTES;
  const log = options.log === null ? NO_LOG : await openLog(options.log);
  const decoder = new StringDecoder("utf8");
  const masked = openMaskStream(options.masker);
  const lines = splitLines(options.onLine, MAX_LINE_CHARACTERS);
  const pieces: string[] = [];
  let captured = 0;
  let truncated = false;
  const capture = (text: string): void => {
    const room = keepBytes - captured;
    if (text.length <= room) pieces.push(text);
    else if (room > 0) pieces.push(text.slice(0, room));
    truncated ||= text.length > room;
    captured += text.length;
  };
  const show = async (text: string): Promise<void> => {
    lines.push(text);
    await log.write(text);
  };
  return {
    write: async (bytes) => {
      const text = decoder.write(bytes);
      capture(text);
      await show(masked.push(text));
    },
    end: async () => {
      const rest = decoder.end();
      capture(rest);
      await show(masked.push(rest) + masked.end());
      lines.end();
      await log.close();
    },
    text: () => pieces.join(""),
    truncated: () => truncated,
  };
}

const NO_LOG: Log = { write: () => Promise.resolve(), close: () => Promise.resolve() };

/** Opens a log for appending: what an earlier attempt wrote there stays. */
export async function openLog(path: string): Promise<Log> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "a", 0o600);
  let written = 0;
  let broken = false;
  return {
    write: async (text) => {
      if (text === "" || broken || written > MAX_LOG_BYTES) return;
      written += Buffer.byteLength(text);
      const cut = written > MAX_LOG_BYTES ? `\n[the log ends here: more than ${MAX_LOG_BYTES} bytes]\n` : "";
      try {
        await file.appendFile(text + cut);
      } catch {
        // A full disk must not end the work that is being logged. The journal notices it on its own.
        broken = true;
      }
    },
    close: () => file.close(),
  };
}

/** Calls `onLine` for each complete line; a line over the limit comes in pieces. */
export function splitLines(onLine: (line: string) => void, limit: number): { push(text: string): void; end(): void } {
  let rest = "";
  return {
    push: (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      for (; rest.length > limit; rest = rest.slice(limit)) onLine(rest.slice(0, limit));
    },
    end: () => {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
