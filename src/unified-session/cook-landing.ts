/** From the events of the landing to the session that people read. Part of `cook-adapter.ts`. */
import type { Changes, Event } from "../cook/decision/event.ts";
import type { SessionUpdate } from "./state.ts";
import { metadata } from "./updates.ts";

type Landing = Event & {
  readonly type:
    | "landing-planned"
    | "landing-answered"
    | "landing-requested"
    | "landing-conflicted"
    | "landing-refused"
    | "target-merged"
    | "landed";
};

export function landingUpdates(event: Landing): readonly SessionUpdate[] {
  switch (event.type) {
    case "landing-planned": {
      const { insertions, deletions } = event.changes;
      return [
        { kind: "workflow", values: { files_changed: changedPaths(event.changes).length } },
        metadata({
          commits: event.commits,
          insertions,
          deletions,
          leftovers: event.leftovers.length,
          obstacle: event.obstacle?.message ?? null,
        }),
      ];
    }
    case "landing-answered":
      return [metadata({ landing_answer: event.answer })];
    case "landing-requested":
      return [metadata({ landing_requested_by: event.by })];
    case "landing-conflicted":
      return [metadata({ landing_conflicts: event.paths.length })];
    case "landing-refused":
      return [metadata({ landing_refused: event.fault.message })];
    case "target-merged":
      return [metadata({ landing_conflicts: event.conflicts.length })];
    case "landed":
      return [
        metadata({ landing: "landed", landed_commit: event.commit, landed_how: event.how, landing_refused: null }),
      ];
  }
}

export function changedPaths(changes: Changes): readonly string[] {
  return [...changes.added, ...changes.modified, ...changes.deleted];
}
