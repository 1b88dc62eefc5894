/** `capture:`, `capture_format:`, `capture_streams:` and the older `capture_output:`. */
import type { Context, Decoder } from "./decode.ts";
import { bool, byKind, list, map, report, word } from "./decode.ts";
import { name } from "./checked-text.ts";
import type { Found } from "./mapping.ts";
import { field, mapping } from "./mapping.ts";
import type { Capture } from "./model.ts";
import { reportOld } from "./old-spellings.ts";
import { respelled } from "./rewrite.ts";

const DEFAULT_STREAMS: Capture["streams"] = {
  stdout: true,
  stderr: false,
  exitCode: true,
  success: true,
  duration: true,
};

export interface StreamChoice {
  readonly source: Capture["source"];
  readonly streams: Capture["streams"];
}

const STREAMS = {
  name: "capture_streams",
  fields: {
    stdout: field(bool, "Whether the value itself is kept."),
    stderr: field(bool, "Whether NAME.stderr is kept."),
    exit_code: field(bool, "Whether NAME.exit_code is kept."),
    success: field(bool, "Whether NAME.success is kept."),
    duration: field(bool, "Whether NAME.duration is kept."),
  },
} as const;

const sourceWord = word(["stdout", "stderr", "both"], { all: "both" });

/** A word says which text is the value; a mapping says which of the values beside it are kept. */
export const captureStreams: Decoder<StreamChoice> = byKind({
  expected: "stdout, stderr, both or a mapping",
  scalar: map(sourceWord, choiceOf),
  list: map(list(sourceWord), (sources) => choiceOf(sources.length === 1 ? (sources[0] ?? "stdout") : "both")),
  map: mapping(STREAMS, ({ fields }): StreamChoice => {
    const streams = {
      stdout: fields.stdout?.value ?? DEFAULT_STREAMS.stdout,
      stderr: fields.stderr?.value ?? DEFAULT_STREAMS.stderr,
      exitCode: fields.exit_code?.value ?? DEFAULT_STREAMS.exitCode,
      success: fields.success?.value ?? DEFAULT_STREAMS.success,
      duration: fields.duration?.value ?? DEFAULT_STREAMS.duration,
    };
    return { source: "stdout", streams };
  }),
});

export const captureFormat: Decoder<Capture["format"]> = word(["string", "json", "lines", "number", "boolean"], {
  text: "string",
  bool: "boolean",
});

/** `true` keeps the result under the default name, `false` keeps nothing, a text is the name. */
export const captureOutput: Decoder<boolean | string> = {
  schema: { type: ["boolean", "string"] },
  decode: (node, context) =>
    node.kind === "scalar" && typeof node.value === "boolean" ? node.value : name.decode(node, context),
};

export interface CaptureKeys {
  readonly capture: Found<string> | null;
  readonly capture_output: Found<boolean | string> | null;
  readonly capture_format: Found<Capture["format"]> | null;
  readonly capture_streams: Found<StreamChoice> | null;
}

/** What all four keys say together. `defaultName` is what `capture_output: true` means. */
export function resolveCapture(keys: CaptureKeys, defaultName: string, context: Context): Capture | null {
  const { capture, capture_output: old, capture_format: format, capture_streams: streams } = keys;
  if (old !== null && typeof old.value === "string") reportOldName(keys, old, context);
  const oldName = old === null || old.value === false ? null : old.value === true ? defaultName : old.value;
  const chosen = capture?.value ?? oldName;
  if (chosen === null) {
    for (const key of [format, streams]) {
      if (key === null) continue;
      const message = `"${key.spelled}" has no effect without "capture"`;
      report(context, { code: "no-effect", at: key.keyAt, message, help: "name the value: `capture: NAME`" });
    }
    return null;
  }
  const { source, streams: kept } = streams?.value ?? choiceOf("stdout");
  return { name: chosen, format: format?.value ?? "string", source, streams: kept };
}

function reportOldName(keys: CaptureKeys, old: Found<boolean | string>, context: Context): void {
  if (keys.capture === null) {
    const help = `write "capture: ${String(old.value)}"`;
    const edits = [respelled(context.out.source.text, old.keyAt, "capture")];
    reportOld(context, "capture_output", { at: old.keyAt, help, edits });
  } else if (keys.capture.value !== old.value) {
    const message = '"capture_output" and "capture" name different values';
    report(context, { code: "conflicting-keys", at: old.keyAt, message, help: 'keep "capture"' });
  }
}

function choiceOf(source: Capture["source"]): StreamChoice {
  return { source, streams: { ...DEFAULT_STREAMS, stderr: source !== "stdout" } };
}
