import { type Checked, listSessions, verifySession } from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { plural } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Run } from "../shell.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy storage verify`: exit code 1 while something is damaged. */
export const verify: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const where = { env: shell.env, path: repositoryPath(invocation) };
  const [named] = args;
  const repair = values.flag("repair");
  const sessions = named === undefined ? await allSessions(where) : { ok: true as const, value: [named] };
  if (!sessions.ok) return refuse(invocation, sessions.fault);
  const results: { readonly session: string; readonly checked: Checked | null; readonly problem: string | null }[] = [];
  for (const session of sessions.value) {
    const checked = await verifySession({ ...where, session, repair });
    if (!checked.ok && named !== undefined) return refuse(invocation, checked.fault);
    results.push(
      checked.ok
        ? { session, checked: checked.value, problem: null }
        : { session, checked: null, problem: checked.fault.message },
    );
  }
  if (json) printJson(shell.stdout, results);
  else {
    for (const { session, checked, problem } of results)
      shell.stdout.write(`${session}: ${checked === null ? (problem ?? "") : describe(checked, session)}\n`);
    if (results.length === 0) shell.stdout.write("No journals.\n");
  }
  const bad = results.some(
    ({ checked }) => checked === null || (checked.health.kind === "damaged" && checked.repair === null),
  );
  return bad ? EXIT_CODES.failed : EXIT_CODES.done;
};

async function allSessions(where: { readonly env: Readonly<Record<string, string>>; readonly path: string }) {
  const listed = await listSessions(where);
  if (!listed.ok) return listed;
  const own = listed.value.sessions.filter(({ repository }) => repository !== null);
  return { ok: true as const, value: own.map(({ session }) => session.id) };
}

function describe({ health, repair }: Checked, session: string): string {
  const events = plural(health.events, "event");
  if (repair !== null)
    return `repaired; ${plural(repair.events, "event")} left, the rest is in ${repair.aside.join(", ")}`;
  switch (health.kind) {
    case "good":
      return `good, ${events}`;
    case "torn":
      return `${events}, and the end of a write that was cut off (${health.at.path}); the next run takes it away`;
    case "damaged":
      return `damaged after ${events}: ${health.at.path}, line ${String(health.at.line)}\n  repair with: prodigy storage verify ${session} --repair`;
  }
}
