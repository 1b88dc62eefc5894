import type { EventBody, Recorded } from "./facts.ts";
import { openLetters } from "./projection.ts";

/** What a session that tried dead letters again has come to; null while it has not ended. One without a journal never began. */
export function settled(
  session: string,
  items: ReadonlySet<string>,
  history: readonly Recorded[],
): (EventBody & { readonly type: "dead-letters-settled" }) | null {
  const letters = openLetters();
  const passed = new Set<string>();
  let hasEnded = history.length === 0;
  for (const event of history) {
    if (event.type === "session-ended") hasEnded = true;
    letters.add(event);
    if (event.type !== "map-item-ended") continue;
    if (event.end === "dead") passed.delete(event.id);
    else passed.add(event.id);
  }
  if (!hasEnded) return null;
  const failed = [...letters.failures()].filter(([id]) => items.has(id) && !passed.has(id));
  return {
    type: "dead-letters-settled",
    session,
    passed: [...passed].filter((id) => items.has(id)),
    failed: failed.map(([id, { failures }]) => ({ id, failures })),
  };
}
