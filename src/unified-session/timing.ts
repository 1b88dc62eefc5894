/** How long iterations and commands took: one of each may run at a time. Pure; the caller has the clock. */
export interface TimingTracker {
  readonly iteration: { readonly number: number; readonly startedAt: number } | null;
  readonly command: { readonly name: string; readonly startedAt: number } | null;
  readonly iterations: readonly { readonly number: number; readonly ms: number }[];
  readonly commands: readonly { readonly name: string; readonly ms: number }[];
}

export type TimingEvent =
  | { readonly kind: "iteration-started"; readonly number: number }
  | { readonly kind: "iteration-ended" }
  | { readonly kind: "command-started"; readonly name: string }
  | { readonly kind: "command-ended" };

export const NO_TIMINGS: TimingTracker = { iteration: null, command: null, iterations: [], commands: [] };

/** The tracker after something began or ended. An end without a beginning counts nothing. */
export function track(timings: TimingTracker, event: TimingEvent, now: number): TimingTracker {
  switch (event.kind) {
    case "iteration-started":
      return { ...timings, iteration: { number: event.number, startedAt: now } };
    case "command-started":
      return { ...timings, command: { name: event.name, startedAt: now } };
    case "iteration-ended": {
      const { iteration } = timings;
      if (iteration === null) return timings;
      const ended = { number: iteration.number, ms: Math.max(0, now - iteration.startedAt) };
      return { ...timings, iteration: null, iterations: [...timings.iterations, ended] };
    }
    case "command-ended": {
      const { command } = timings;
      if (command === null) return timings;
      const ended = { name: command.name, ms: Math.max(0, now - command.startedAt) };
      return { ...timings, command: null, commands: [...timings.commands, ended] };
    }
  }
}

/** `12s`, `3m`, `3m 4s`, `2h`, `2h 5m`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return parts(minutes, "m", seconds % 60, "s");
  return parts(Math.floor(minutes / 60), "h", minutes % 60, "m");
}

// oxlint-disable-next-line max-params -- Two pairs that belong together read best in a row.
function parts(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit} ${small}${smallUnit}`;
}
