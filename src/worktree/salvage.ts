/**
 * What must not be lost and must not stay where it is: kept under a name in the shadow repository, complete enough
 * to be shown and restored after the user's repository has forgotten all about it.
 */
import type { TreeState } from "../cook/decision/event.ts";
import type { Outcome } from "../cook/ports.ts";
import { fine } from "./faults.ts";
import { gitLine } from "./git.ts";
import { identityEnvironment, OWN_IDENTITY } from "./repository.ts";
import { copyObjects, shadowCall, writeShadowRef } from "./shadow.ts";
import type { Site, Workshop } from "./workshop.ts";

/** What `salvage list` shows besides the name. */
export interface SalvageNote {
  readonly session: string;
  readonly lane: string;
  readonly reason: string;
  /** The commit that was checked out. */
  readonly head: string;
  /** The commit that the lane was put back to. */
  readonly base: string;
  /** The files, where they differed from the commit. */
  readonly snapshot: string | null;
}

/** Keeps a state. The same state of a lane has the same name, so keeping it twice keeps it once. */
export async function keepState(
  workshop: Workshop,
  site: Site,
  options: { readonly state: TreeState; readonly base: string; readonly reason: string },
): Promise<Outcome<string>> {
  const { state, base, reason } = options;
  const { shadow, repository } = workshop;
  const name = `${workshop.session}/${site.name}/${(state.snapshot ?? state.head).slice(0, 12)}`;
  const note: SalvageNote = {
    session: workshop.session,
    lane: site.lane,
    reason,
    head: state.head,
    base,
    snapshot: state.snapshot,
  };
  // The commits, and the blobs that the files share with them.
  const copied = await copyObjects(shadow, {
    kind: "revisions",
    lines: state.head === base ? [] : [state.head, `^${base}`],
  });
  if (!copied.ok) return copied;
  const tree = state.snapshot === null ? state.head : state.snapshot;
  const parents = [state.head, ...(state.snapshot === null ? [] : [state.snapshot])].flatMap((parent) => [
    "-p",
    parent,
  ]);
  const commit = await gitLine(
    repository.git,
    shadowCall(shadow, {
      objects: "both",
      args: ["commit-tree", "--no-gpg-sign", ...parents, `${tree}^{tree}`],
      env: identityEnvironment(OWN_IDENTITY),
      stdin: JSON.stringify(note),
    }),
  );
  if (!commit.ok) return commit;
  const named = await writeShadowRef(shadow, `refs/salvage/${name}`, commit.value);
  return named.ok ? fine(name) : named;
}

/** Keeps commits that nothing will contain any more. */
export async function keepCommits(
  workshop: Workshop,
  site: Site,
  options: { readonly tip: string; readonly without: string; readonly reason: string },
): Promise<Outcome<null>> {
  const { tip, without, reason } = options;
  const kept = await keepState(workshop, site, { state: { head: tip, snapshot: null }, base: without, reason });
  if (!kept.ok) return kept;
  workshop.warn(site.lane, `${reason}: kept as ${kept.value}`);
  return fine(null);
}
