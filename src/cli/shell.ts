/** What the command line has around it. `main.ts` hands it in, so that nothing below touches the process. */
export interface Shell {
  /** The environment of this process, as it was at its start. */
  readonly env: Readonly<Record<string, string>>;
  /** Where relative paths start. */
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Asks the person at the terminal. */
  readonly confirm: (question: string, signal: AbortSignal) => Promise<"yes" | "no" | "nobody">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Aborted with a `PauseReason` by the first signal. */
  readonly stop: AbortSignal;
}

/** A stream of text that people or programs read. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What was typed after the name of a command. */
export interface Invocation {
  readonly shell: Shell;
  readonly args: readonly string[];
  readonly values: Values;
  /** How many `-v` there were. */
  readonly verbosity: number;
  readonly json: boolean;
  /** Whether the command has this option at all; some commands share their work. */
  readonly allows: (option: string) => boolean;
}

/** A command's work. Returns the exit code. */
export type Run = (invocation: Invocation) => Promise<number>;

/** The options of one call, by their long name. */
export interface Values {
  flag(name: string): boolean;
  text(name: string): string | null;
  number(name: string): number | null;
  /** Milliseconds. */
  duration(name: string): number | null;
  list(name: string): readonly string[];
}
