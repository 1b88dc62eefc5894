import type { Children } from "./children.ts";
import { endProcesses, GRACE_MS } from "./end-processes.ts";
import { carriers, ownLine, type ProcessRow, processTable, withDescendants } from "./process-table.ts";

/**
 * Ends what an earlier, killed worker of the session left behind, and returns how many processes that were. They are
 * found by the written records and by the session's marker in their environment, which also those have that left their
 * process group. Processes that we run now, ourselves and all above us are spared: we may ourselves run inside an agent.
 */
export async function endLeftovers(children: Children, graceMs: number = GRACE_MS): Promise<number> {
  const rows = processTable();
  const leftovers = findLeftovers(children, rows);
  await endProcesses(leftovers, graceMs);
  // What a leftover started while it was being ended carries the marker as well.
  const late = findLeftovers(children, processTable());
  await endProcesses(late, graceMs);
  if (children.live().length === 0) children.clear();
  return new Set([...leftovers, ...late].map((row) => `${String(row.pid)} ${row.startedAt}`)).size;
}

function findLeftovers(children: Children, rows: readonly ProcessRow[]): readonly ProcessRow[] {
  const recorded = new Map(children.recorded().map((record) => [record.pid, record.startedAt]));
  const roots = new Set([
    ...rows.filter((row) => recorded.get(row.pid) === row.startedAt).map((row) => row.pid),
    ...carriers(rows, children.marker).map((row) => row.pid),
  ]);
  const groups = new Set(rows.filter((row) => roots.has(row.pid) && row.pid === row.group).map((row) => row.group));
  for (const row of rows) if (groups.has(row.group)) roots.add(row.pid);
  const spared = new Set([...ownLine(rows), ...withDescendants(rows, new Set(children.live())).map((row) => row.pid)]);
  return withDescendants(
    rows.filter((row) => !spared.has(row.pid)),
    roots,
  );
}
