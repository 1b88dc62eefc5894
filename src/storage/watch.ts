import { type FSWatcher, watch } from "node:fs";

/** Where the system tells nothing of changes (network and some container file systems), we look this often. */
const POLL_MS = 500;

/** Begin to watch before you look, or a change in between is noticed only by the poll. */
export interface DirectoryChange extends Disposable {
  /** Something may have changed, or half a second has passed, or the signal is aborted. */
  readonly happened: Promise<void>;
}

export function watchDirectory(directory: string, signal: AbortSignal): DirectoryChange {
  let end = () => {};
  const happened = new Promise<void>((resolve) => {
    let watcher: FSWatcher | null = null;
    const timer = setTimeout(() => end(), POLL_MS);
    end = () => {
      clearTimeout(timer);
      watcher?.close();
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) return end();
    try {
      watcher = watch(directory, end);
      // The directory went away, or the limit of watches is reached; the poll is enough.
      watcher.on("error", () => {});
    } catch {
      // Nothing to watch there, or not yet; the poll is enough.
    }
  });
  return { happened, [Symbol.dispose]: () => end() };
}
