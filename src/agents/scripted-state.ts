import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fieldsOf, numberOf, parseFields, textOf } from "./json-fields.ts";

/** What a scripted session has done, so that it can be continued, and how often each failure has happened. */
export interface ScriptedState {
  /** What tells the prompt from others that the session began with; null when there is no such session. */
  prompt(): string | null;
  begin(prompt: string): void;
  done(): number;
  finish(done: number): void;
  /** Whether it is to happen once more; counts it. Failures are counted over all attempts at a prompt. */
  count(key: string, times: number | null): boolean;
}

export function openScriptedState(folder: string, session: string): ScriptedState {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `session-${session.replaceAll(/[^A-Za-z0-9-]/g, "_")}.json`);
  const saved = read(file);
  let prompt = textOf(saved["prompt"]);
  let done = numberOf(saved["done"]) ?? 0;
  const save = (): void => write(file, { prompt, done });
  return {
    prompt: () => prompt,
    begin: (text) => {
      // Not the prompt itself: it may hold secrets, and whoever continues the session says it again.
      prompt = digest(text);
      done = 0;
      save();
    },
    done: () => done,
    finish: (count) => {
      done = count;
      save();
    },
    count: (key, times) => {
      const counter = join(folder, `count-${digest(key)}.json`);
      const count = numberOf(read(counter)["count"]) ?? 0;
      if (times !== null && count >= times) return false;
      write(counter, { count: count + 1 });
      return true;
    },
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function read(file: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(parseFields(readFileSync(file, "utf8"))) ?? {};
  } catch {
    // Nothing was saved yet.
    return {};
  }
}

/** Replaced as a whole, so that a kill leaves the old state or the new one. */
function write(file: string, value: Readonly<Record<string, unknown>>): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
  renameSync(temporary, file);
}
