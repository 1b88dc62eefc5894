/** What a map does to git, and when: merging, advancing the session branch, giving worktrees back. */
import type { Command } from "../decision/command.ts";
import type { EventBody } from "../decision/event.ts";
import type { Room } from "./room.ts";

type MapEffect = Command & {
  readonly kind: "combine-item" | "probe-items" | "merge-into" | "advance-map" | "release-lane" | "wait-until";
};

export async function performMapEffect(command: MapEffect, { ports, signal }: Room): Promise<readonly EventBody[]> {
  const { trees, clock } = ports;
  switch (command.kind) {
    case "combine-item":
      return combine(command, ports);
    case "probe-items": {
      const { lane, path, items, heads } = command;
      const merged = await trees.combine({ base: heads[0], head: heads[1], message: null });
      // Nothing depends on it: what cannot be found out now is met when it is merged.
      const conflicts = merged.ok && merged.value.kind === "conflict" ? merged.value.paths : [];
      return [{ type: "items-probed", lane, path, items, heads, conflicts }];
    }
    case "merge-into": {
      const message = `Merge the combined work of other agents into ${command.label}`;
      const merged = await trees.mergeInto({ lane: command.lane, commit: command.commit, message });
      if (!merged.ok) return [{ type: "lane-failed", lane: command.lane, fault: merged.fault }];
      return [{ type: "target-merged", lane: command.lane, ...merged.value }];
    }
    case "advance-map": {
      const { lane, path, to, commits } = command;
      const advanced = await trees.advance({ lane, to, reason: "uncommitted files in the way of the agents' work" });
      if (!advanced.ok) return [{ type: "lane-failed", lane, fault: advanced.fault }];
      const { tree, salvage } = advanced.value;
      const ended: EventBody = { type: "map-advanced", lane, path, tree, commits, salvage };
      return salvage === null ? [ended] : [inTheWay(command, salvage), ended];
    }
    case "release-lane": {
      const { lane, known, merged, reason } = command;
      const released = await trees.release({ lane, known, merged, reason: ports.masker.mask(reason) });
      if (!released.ok) return [{ type: "lane-failed", lane, fault: released.fault }];
      return [{ type: "lane-removed", lane, salvage: released.value.salvage }];
    }
    case "wait-until":
      await clock.sleep(Math.max(0, command.until - clock.now()), signal);
      return signal.aborted ? [] : [command.event];
  }
}

async function combine(
  { lane, path, index, base, head, label }: Command & { readonly kind: "combine-item" },
  { trees, masker }: Room["ports"],
): Promise<readonly EventBody[]> {
  const merged = await trees.combine({ base, head, message: `Merge agent ${masker.mask(label)}` });
  if (!merged.ok) return [{ type: "lane-failed", lane, fault: merged.fault }];
  const { value } = merged;
  return value.kind === "conflict"
    ? [{ type: "item-conflicted", lane, path, index, with: base, paths: value.paths }]
    : [{ type: "item-combined", lane, path, index, commit: value.commit, commits: value.commits }];
}

function inTheWay({ lane, path }: Command & { readonly kind: "advance-map" }, salvage: string): EventBody {
  const message = `files that setup had left uncommitted stood in the way of the agents' work; they are kept as ${salvage} (prodigy salvage show ${salvage})`;
  return { type: "warned", lane, path, message };
}
