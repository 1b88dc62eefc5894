/** A limit of running time that can be started again, as an idle limit is with each sign of life. */
export interface RunningTimer {
  restart(): void;
  stop(): void;
}

/**
 * Calls `onEnd` once after so much running time. It counts slices and not the wall clock: while a laptop sleeps no
 * slice passes, and a command does not time out for the hours in which it could not run.
 */
export function startRunningTimer(limitMs: number, onEnd: () => void): RunningTimer {
  let remainingMs = limitMs;
  let timer: NodeJS.Timeout | null = null;
  const next = (): void => {
    const sliceMs = Math.min(remainingMs, SLICE_MS);
    timer = setTimeout(() => {
      remainingMs -= sliceMs;
      if (remainingMs <= 0) onEnd();
      else next();
    }, sliceMs);
  };
  const stop = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  next();
  return {
    restart: () => {
      if (timer === null) return;
      stop();
      remainingMs = limitMs;
      next();
    },
    stop,
  };
}

/** Short against every sensible limit, long against the cost of a timer. */
const SLICE_MS = 1000;
