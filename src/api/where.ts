/** Which repository, which session, and where they are kept. */
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { type Ground, maskerOf, openGround } from "../compose.ts";
import { storageRoot } from "../storage/folders.ts";
import type { Outcome } from "../cook/ports.ts";
import { neverBegan } from "../cook/resume-plan.ts";
import type { Watching } from "../cook/watching.ts";
import { adoptEarlierSessions } from "../earlier/adopt.ts";
import type { Places } from "../earlier/places.ts";
import { openStorage } from "../storage/global-storage.ts";
import { openClock } from "../system/clock.ts";
import { definedEnv } from "../system/host.ts";
import { findSession } from "../unified-session/find.ts";
import { adoptLegacySessions } from "../unified-session/first-access.ts";

/** Where the calls look: the environment (`PRODIGY_HOME`, `PATH`, secrets, ...) and a folder of the repository. */
export interface Where {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default the current folder */
  readonly path?: string;
}

/** Whoever looks at a repository for the first time takes over what an earlier Prodigy left there. A dry run writes nothing. */
export async function groundOf(
  where: Where & Pick<Watching, "notice"> & { readonly dryRun?: boolean },
): Promise<Outcome<Ground>> {
  const ground = await openGround({ env: definedEnv(where.env), path: resolve(where.path ?? ".") });
  if (!ground.ok || where.dryRun === true) return ground;
  const { root, key: repository } = ground.value;
  const told = await adoptLegacySessions({
    root,
    repository,
    project: ground.value.repository.topLevel,
    clock: openClock(),
  });
  if (told !== null) where.notice?.(told);
  const masker = maskerOf(ground.value.env);
  const found = await adoptEarlierSessions({
    places: earlierPlaces(ground.value),
    repository: ground.value.repository,
    key: repository,
    clock: openClock(),
    mask: (text) => masker.mask(text),
  });
  if (found !== null) where.notice?.(found);
  return ground;
}

/** Where an earlier Prodigy kept what belongs to a repository. */
export function earlierPlaces({ root, repository, env }: Ground): Places {
  const home = join(env["HOME"] ?? homedir(), ".prodigy");
  const homes = home === root ? [root] : [root, home];
  return { root, homes, folder: basename(repository.mainWorktree ?? repository.topLevel) };
}

/** A session is found from anywhere: its journal knows its repository. */
export async function findGround(
  where: Where,
  text: string,
): Promise<Outcome<{ readonly ground: Ground; readonly session: string }>> {
  const env = definedEnv(where.env);
  const here = await groundOf(where);
  const storage = await openStorage(storageRoot(env));
  if (!storage.ok) return storage;
  const found = await findSession(storage.value, text, here.ok ? here.value.key : null);
  if (!found.ok) return found;
  const { repository, session } = found.value;
  if (here.ok && here.value.key === repository) return { ok: true, value: { ground: here.value, session } };
  const events = await storage.value.readEvents({ repository, session });
  if (!events.ok) return events;
  const [first] = events.value;
  if (first?.type !== "session-started") return { ok: false, fault: neverBegan(session) };
  const there = await openGround({ env, path: first.order.repository.path });
  return there.ok ? { ok: true, value: { ground: there.value, session } } : there;
}
