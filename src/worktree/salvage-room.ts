import type { Outcome } from "../cook/ports.ts";
import { repositoryPaths, safeId } from "../storage/layout.ts";
import type { Repository } from "./repository.ts";
import { listSalvage, restoreSalvage, type SalvageContent, type SalvageEntry, showSalvage } from "./salvage-store.ts";
import { openShadow } from "./shadow.ts";

/** What was kept aside in one repository. */
export interface SalvageRoom {
  /** Of one session, or all with null; the oldest first. */
  list(session: string | null): Promise<Outcome<readonly SalvageEntry[]>>;
  show(name: string): Promise<Outcome<SalvageContent>>;
  /** Makes a branch of it in the user's repository. */
  restore(name: string, branch: string): Promise<Outcome<{ readonly branch: string; readonly commit: string }>>;
}

export async function openSalvageRoom(options: {
  readonly repository: Repository;
  /** The storage root. */
  readonly root: string;
  readonly key: string;
}): Promise<Outcome<SalvageRoom>> {
  const shadow = await openShadow(options.repository, repositoryPaths(options.root, options.key).shadow);
  if (!shadow.ok) return shadow;
  return {
    ok: true,
    value: {
      list: (session) => {
        const safe = session === null ? null : safeId(session);
        return safe?.ok === false ? Promise.resolve(safe) : listSalvage(shadow.value, session);
      },
      show: (name) => showSalvage(shadow.value, name),
      restore: (name, branch) => restoreSalvage(shadow.value, { name, branch }),
    },
  };
}
