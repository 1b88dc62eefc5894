import { setMaxListeners } from "node:events";
import type { Clock } from "../cook/ports.ts";

/** The machine's clock. */
export function openClock(): Clock {
  return { now: () => Date.now(), sleep };
}

/**
 * Waits until so much time has passed by the wall clock or by the timers, whichever is first. The wall clock ends a
 * wait that the machine slept through; the timers end one in which somebody set the clock back.
 */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const until = Date.now() + ms;
  let waitedMs = 0;
  while (!signal.aborted && waitedMs < ms && Date.now() < until) {
    const sliceMs = Math.min(SLICE_MS, ms - waitedMs, until - Date.now());
    await slice(Math.max(sliceMs, 1), signal);
    waitedMs += sliceMs;
  }
}

/** How late a machine that wakes up may notice it. */
const SLICE_MS = 5000;

function slice(ms: number, signal: AbortSignal): Promise<void> {
  // As many wait on a run's one signal as there are lanes; Node would take that for a leak.
  setMaxListeners(0, signal);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
