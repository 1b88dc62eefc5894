import {
  listSessions,
  type Outcome,
  readEarlierSession,
  readSession,
  readSessionWorkflow,
  resumeSession,
  type SessionDetail,
  type SessionWorkflow,
  type Workflow,
} from "../../index.ts";
import { cost, plural } from "../render/format.ts";
import { refuse, watchSession } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { inputFault, readWorkflowFile, refuseInvalid, showDiagnostics } from "../workflow-file.ts";
import { resumeEarlier } from "./earlier.ts";
import { repositoryPath } from "./run.ts";

/** `prodigy resume [ID]` */
export const resume: Run = async (invocation) => {
  const { shell, values } = invocation;
  const where = { env: shell.env, path: repositoryPath(invocation) };
  const chosen = await chosenSession(invocation);
  if (!chosen.ok) return refuse(invocation, chosen.fault);
  const earlier = await readEarlierSession({ ...where, session: chosen.value });
  if (earlier !== null && earlier.continuedAs === null) return resumeEarlier(invocation, earlier);
  const session = earlier?.continuedAs ?? chosen.value;
  let workflow: Workflow | null = null;
  if (values.flag("force")) {
    const detail = await readSession({ ...where, session });
    if (!detail.ok) return refuse(invocation, detail.fault);
    const edited = await editedWorkflow(invocation, detail.value);
    if (typeof edited === "number") return edited;
    workflow = edited;
  } else {
    // Not all of it: a journal of thousands of items is read once more when the session goes on.
    const present = await readSessionWorkflow({ ...where, session });
    if (!present.ok) return refuse(invocation, present.fault);
    await tellOfEdits(invocation, present.value);
  }
  return watchSession(invocation, {
    begin: (watching) =>
      resumeSession({
        ...watching,
        ...where,
        session,
        workflow,
        yes: values.flag("yes"),
        agent: values.text("agent"),
      }),
  });
};

/** The one that was named, else the newest that can be gone on with, which is then named. */
async function chosenSession(invocation: Invocation): Promise<Outcome<string>> {
  const { shell, args, json } = invocation;
  const [named] = args;
  if (named !== undefined) return { ok: true, value: named };
  const listed = await listSessions({ env: shell.env, path: repositoryPath(invocation) });
  if (!listed.ok) return listed;
  const newest = listed.value.sessions.find(({ resumable }) => resumable);
  if (newest === undefined) {
    const fault = inputFault(
      "there is no session that can be resumed in this repository",
      "see what ran with: prodigy sessions list",
    );
    return { ok: false, fault: { ...fault, kind: "file" } };
  }
  const { session } = newest;
  const words = `Newest session that can be resumed: ${session.id} (${session.workflow_data?.workflow_name ?? "?"}, ${session.status.toLowerCase()})\n`;
  (json ? shell.stderr : shell.stdout).write(words);
  return { ok: true, value: session.id };
}

/** The edited workflow, after its price was shown and agreed to; null where nothing that counts was edited. */
async function editedWorkflow(invocation: Invocation, detail: SessionDetail): Promise<Workflow | null | number> {
  const { shell, values } = invocation;
  const { workflow } = detail;
  const { workflowFile } = detail.state.order;
  if (workflowFile === null) {
    return refuse(invocation, inputFault("this session has no workflow file that could have been edited"));
  }
  const read = await readWorkflowFile(shell, workflowFile);
  if (read.kind === "unreadable") return refuse(invocation, read.fault);
  if (read.kind === "invalid") return refuseInvalid(invocation, workflowFile, read.diagnostics);
  showDiagnostics(shell, read.diagnostics);
  const from = firstChange(workflow, read.workflow);
  if (from === null) return null;
  const stand = standOf(detail);
  const done = stand.steps > from;
  shell.stderr.write(editText(read.workflow, from, stand));
  if (done)
    shell.stderr.write(
      `The session has cost so far: ${cost(detail.tally)}. What those steps committed is kept aside.\n`,
    );
  if (values.flag("yes") || !done) return read.workflow;
  const answer = await shell.confirm("Run them again?", shell.stop);
  if (answer === "yes") return read.workflow;
  const help = "without --force the session goes on with the workflow that it began with; -y answers the question";
  return refuse(invocation, inputFault("the edited workflow was not agreed to", help));
}

interface Stand {
  /** Steps that are done in the pass that is under way. */
  readonly steps: number;
  /** Passes and inputs before it that have ended, in words; empty where there are none. */
  readonly before: string;
}

function standOf({ state }: SessionDetail): Stand {
  const root = state.lanes.get("main")?.root;
  const input = root?.children.get(`input-${String(root.done)}`);
  const [inputs, passes] = [root?.done ?? 0, input?.done ?? 0];
  const before = [inputs === 0 ? "" : plural(inputs, "input"), passes === 0 ? "" : plural(passes, "iteration")];
  return {
    steps: input?.children.get(`pass-${String(passes)}`)?.done ?? 0,
    before: before.filter((part) => part !== "").join(" and "),
  };
}

function editText({ steps }: Workflow, from: number, stand: Stand): string {
  const line = (index: number): string => `  ${String(index + 1)}. ${steps[index]?.label ?? ""}\n`;
  const touched = steps.map((_, index) => index).filter((index) => index >= from);
  const again = touched.filter((index) => index < stand.steps).map(line);
  const next = touched.filter((index) => index >= stand.steps).map(line);
  return [
    "The workflow was edited.\n",
    stand.before === "" ? "" : `What ran for ${stand.before} that ended stays as it is.\n`,
    again.length === 0 ? "" : `These steps run again:\n${again.join("")}`,
    next.length === 0 ? "" : `These steps come next, as they are now:\n${next.join("")}`,
  ].join("");
}

/** An edit changes nothing by accident; but who made it should know that it does nothing. */
async function tellOfEdits({ shell }: Invocation, { id, workflow, workflowFile }: SessionWorkflow): Promise<void> {
  if (workflowFile === null) return;
  const read = await readWorkflowFile(shell, workflowFile);
  if (read.kind === "good" && firstChange(workflow, read.workflow) === null) return;
  shell.stderr.write(
    `Warning: ${workflowFile} is not what it was when the session began; going on with the workflow of that time. To take the edited one: prodigy resume ${id} --force\n`,
  );
}

/** The index of the first step that differs; null where the workflows mean the same. */
export function firstChange(before: Workflow, after: Workflow): number | null {
  const length = Math.max(before.steps.length, after.steps.length);
  for (let index = 0; index < length; index++) {
    if (meaning(before.steps[index]) !== meaning(after.steps[index])) return index;
  }
  return meaning({ ...before, steps: [] }) === meaning({ ...after, steps: [] }) ? null : length;
}

/** Where something stands in its file, and what it is called, do not count. */
function meaning(part: unknown): string {
  return JSON.stringify(part, (key, value: unknown) => (HOW_IT_LOOKS.has(key) ? undefined : value)) ?? "";
}

const HOW_IT_LOOKS: ReadonlySet<string> = new Set(["at", "label", "name", "description"]);
