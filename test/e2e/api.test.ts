import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import {
  listSessions,
  mergeWorktree,
  parseWorkflow,
  readEvents,
  type RunResult,
  runWorkflow,
} from "../../src/index.ts";
import { newRig, type Rig } from "../kit/rig.ts";

test("check 40: declining the merge keeps everything and is no failure; the question names session and target", async () => {
  await using rig = await newRig();
  const questions: string[] = [];
  const result = await run(rig, COMMITTING, {
    confirm: async (question) => {
      questions.push(question);
      return "no";
    },
  });
  expect(questions).toEqual([`Merge ${result.session} (1 commit) into main?`]);
  expect(result).toMatchObject({ status: "ended", landing: "declined", commits: 1 });
  expect(existsSync(result.worktree ?? "")).toBe(true);
  expect(rig.git("rev-list", "--count", "main")).toBe("1");

  const merged = await mergeWorktree({ env: rig.env, path: rig.repo, session: result.session });
  expect(merged).toMatchObject({ ok: true, value: { landing: "landed", worktree: null } });
  expect(rig.git("rev-list", "--count", "main")).toBe("2");
});

test("agreeing merges", async () => {
  await using rig = await newRig();
  const result = await run(rig, COMMITTING, { confirm: async () => "yes" });
  expect(result).toMatchObject({ landing: "landed" });
});

test("an aborted signal pauses the session with its reason", async () => {
  await using rig = await newRig();
  const stop = new AbortController();
  const result = await run(rig, '- shell: "sleep 60"\n', {
    signal: stop.signal,
    observe: (event) => {
      if (event.type === "attempt-started") stop.abort({ kind: "stop" });
    },
  });
  expect(result).toMatchObject({ status: "paused", pause: { kind: "stop" } });
  expect(await listSessions({ env: rig.env, path: rig.repo })).toMatchObject({
    ok: true,
    value: { sessions: [{ resumable: true, pid: null, session: { status: "Paused" } }] },
  });
});

test("what is observed is what the journal holds", async () => {
  await using rig = await newRig();
  const seen: unknown[] = [];
  const result = await run(rig, COMMITTING, { yes: true, observe: (event) => void seen.push(event) });
  const events = await readEvents({ env: rig.env, path: rig.repo, session: result.session });
  expect(events).toEqual({ ok: true, value: seen });
});

const COMMITTING = '- shell: "echo x > x.txt; git add -A; git commit -qm x"\n';

async function run(
  rig: Rig,
  text: string,
  options: Omit<Parameters<typeof runWorkflow>[0], "env" | "path" | "workflow"> = {},
): Promise<RunResult> {
  const { workflow, diagnostics } = parseWorkflow(text, { file: "w.yml" });
  if (workflow === null) throw new Error(JSON.stringify(diagnostics));
  const result = await runWorkflow({ ...options, env: rig.env, path: rig.repo, workflow });
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}
