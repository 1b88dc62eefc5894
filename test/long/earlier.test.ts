import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  EARLIER,
  earlierCheckpointFile,
  earlierSessionFile,
  earlierWorkflow,
  leave,
  leaveFailedSession,
  leaveJob,
} from "../kit/earlier-store.ts";
import { newRig } from "../kit/rig.ts";

test("check 57, 58, 60: a failed session of an earlier Prodigy is listed, shown with all that it left, and nothing is moved", async () => {
  await using rig = await newRig();
  const { worktree, checkpoint } = leaveFailedSession(rig);
  const before = readFileSync(checkpoint, "utf8");
  const listed = rig.prodigy(["sessions", "list", "--json"]);
  expect(JSON.parse(listed.stdout)).toMatchObject([{ session: EARLIER, status: "failed", workflow: "w" }]);
  expect(JSON.parse(rig.prodigy(["sessions", "list", "--json", "--all-repos"]).stdout)).toHaveLength(1);
  expect(rig.prodigy(["sessions", "clean", "--all", "-f"]).stdout).toContain(
    `Kept ${EARLIER}: its work is still there`,
  );
  const shown = rig.prodigy(["sessions", "show", EARLIER]);
  expect(shown.code).toBe(0);
  for (const part of [
    `${EARLIER}, of an earlier Prodigy`,
    "2 of 3 done",
    worktree,
    `prodigy-${EARLIER}`,
    checkpoint,
    `Go on after step 2 with: prodigy resume ${EARLIER}`,
  ])
    expect(shown.stdout).toContain(part);
  expect(JSON.parse(rig.prodigy(["sessions", "show", EARLIER, "--json"]).stdout)).toMatchObject({
    earlier: true,
    target: "main",
    stepsDone: 2,
    obstacle: null,
    checkpoint: {
      value: {
        workflowId: "workflow-1736596800130",
        workflowName: "default",
        workflowPath: join(rig.repo, "w.yml"),
        status: "Failed",
        currentStep: 2,
        totalSteps: 3,
        completed: [
          { index: 0, success: true },
          { index: 1, output: "forty-two\n" },
        ],
        variables: { answer: "forty-two", count: 3, deep: { list: [1, true] } },
      },
    },
  });
  expect(readFileSync(checkpoint, "utf8")).toBe(before);
  expect(JSON.stringify(rig.session(EARLIER))).not.toContain("sk-old");
});

test("check 56, 59: it goes on after its last finished step with its commits, its files and its values, once", async () => {
  await using rig = await newRig();
  const { worktree } = leaveFailedSession(rig);
  const failed = rig.prodigy(["resume", EARLIER, "-y"]);
  expect(failed.code, failed.stderr).toBe(1);
  expect(failed.stdout).toContain(`Session ${EARLIER} of an earlier Prodigy goes on as session-`);
  rig.write("../ok", "");
  const again = rig.prodigy(["resume", EARLIER, "-y", "--json"]);
  expect(again.code, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ status: "ended", landing: "landed", steps: { ok: 3 }, attempts: 2 });
  expect([rig.read("one.txt"), rig.read("dirty.txt"), rig.read("answer.txt")]).toEqual([
    "one\n",
    "kept\n",
    "forty-two\n",
  ]);
  expect(rig.git("log", "--format=%s").split("\n")).toEqual(["answer", "one", "workflow", "first"]);
  expect(rig.sessions()).toHaveLength(2);
  expect(existsSync(join(worktree, "dirty.txt"))).toBe(true);
  // It is the new session that is meant from now on, whatever became of the file.
  rmSync(join(rig.repo, "w.yml"));
  expect(rig.prodigy(["resume", EARLIER]).stderr).toContain("has ended and was merged into main");
  expect(rig.prodigy(["sessions", "show", EARLIER]).stdout).toContain("It goes on as: prodigy sessions show session-");
});

test("check 63: a finished step that reads otherwise now is named, and --force goes on all the same", async () => {
  await using rig = await newRig();
  leaveFailedSession(rig);
  rig.write("../ok", "");
  rig.write("w.yml", rig.read("w.yml").replace("echo one >", "echo 1 >"));
  const refused = rig.prodigy(["resume", EARLIER, "-y"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    'step 1 was "shell: echo one > one.txt && git add . && git commit -qm one" and is "shell: echo 1 >',
  );
  expect(rig.sessions()).toEqual([EARLIER]);
  expect(rig.prodigy(["resume", EARLIER, "-y", "--force"]).code).toBe(0);
  expect(rig.read("answer.txt")).toBe("forty-two\n");
});

test("check 61: a checkpoint that does not name its workflow is refused, with what can be done", async () => {
  await using rig = await newRig();
  const { checkpoint } = leaveFailedSession(rig);
  writeFileSync(checkpoint, JSON.stringify(earlierCheckpointFile(null)));
  const refused = rig.prodigy(["resume", EARLIER]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`${checkpoint} is of an older form`);
  expect(refused.stderr).toContain("prodigy run FILE");
  expect(refused.stderr).toContain(`git merge prodigy-${EARLIER}`);
});

test("check 62: a completed session of an earlier Prodigy has nothing to resume; its branch is named", async () => {
  await using rig = await newRig();
  leaveFailedSession(rig);
  leave(rig, `sessions/${EARLIER}.json`, earlierSessionFile({ status: "Completed", error: null }));
  const refused = rig.prodigy(["resume", EARLIER]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("there is nothing to resume");
  expect(refused.stderr).toContain(`git merge prodigy-${EARLIER}`);
});

test("check 65: a session that the earlier program works on is refused with its process; a lock of a dead one does not count", async () => {
  await using rig = await newRig();
  leaveFailedSession(rig);
  rig.write("../ok", "");
  const lock = { job_id: EARLIER, hostname: hostname(), acquired_at: "2025-01-11T12:00:00Z" };
  leave(rig, `resume_locks/${EARLIER}.lock`, { ...lock, process_id: process.pid });
  const refused = rig.prodigy(["resume", EARLIER, "-y"]);
  expect([refused.code, rig.sessions()]).toEqual([1, [EARLIER]]);
  expect(refused.stderr).toContain(
    `already in progress: the earlier Prodigy works on it in process ${String(process.pid)}`,
  );
  leave(rig, `resume_locks/${EARLIER}.lock`, { ...lock, process_id: 2 ** 22 + 1 });
  expect(rig.prodigy(["resume", EARLIER, "-y"]).code).toBe(0);
});

test("check 66: a checkpoint of a later form is refused with a hint; a damaged one is told with its reason; both stay", async () => {
  await using rig = await newRig();
  const { checkpoint } = leaveFailedSession(rig);
  writeFileSync(checkpoint, JSON.stringify(earlierCheckpointFile("/w.yml", { version: 2 })));
  const newer = rig.prodigy(["resume", EARLIER]);
  expect([newer.code, newer.stderr.includes("a newer Prodigy may read it")]).toEqual([1, true]);
  writeFileSync(checkpoint, '{"workflow_id": "workflow-17');
  const damaged = rig.prodigy(["resume", EARLIER]);
  expect(damaged.stderr).toContain(`${checkpoint} cannot be used: it is not JSON`);
  expect(rig.prodigy(["sessions", "show", EARLIER]).stderr).toContain(`${checkpoint} cannot be used`);
  expect(readFileSync(checkpoint, "utf8")).toBe('{"workflow_id": "workflow-17');
});

test("a session whose worktree and branch are gone says so; one with its branch alone goes on from its commits", async () => {
  await using rig = await newRig();
  const { worktree } = leaveFailedSession(rig);
  rmSync(worktree, { recursive: true });
  rig.git("worktree", "prune");
  rig.write("../ok", "");
  // The file that no commit held went with the worktree, and the third step misses it.
  const failed = rig.prodigy(["resume", EARLIER, "-y"]);
  expect(failed.stderr).toContain("dirty.txt");
  expect(rig.sessions()).toHaveLength(2);
  await using other = await newRig();
  earlierWorkflow(other);
  leave(other, `sessions/${EARLIER}.json`, earlierSessionFile());
  leave(
    other,
    `state/${EARLIER}/checkpoints/workflow-1.checkpoint.json`,
    earlierCheckpointFile(join(other.repo, "w.yml")),
  );
  const refused = other.prodigy(["resume", EARLIER]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("neither the worktree nor the branch");
  expect(refused.stderr).toContain(`prodigy run ${other.repo}/w.yml`);
});

test("check 80 (reading): a MapReduce session tells its items, dead letters from both places and events; damage is told", async () => {
  await using rig = await newRig();
  const { session, job } = leaveJob(rig);
  const shown = rig.prodigy(["sessions", "show", session]);
  expect(shown.stdout).toContain("1 of 4 done, 1 failed");
  expect(shown.stdout).toContain("2 dead letters:\n");
  const letters = JSON.parse(rig.prodigy(["dlq", "list", session, "--json"]).stdout) as { readonly items: unknown[] };
  expect(letters.items).toHaveLength(2);
  for (const args of [
    ["clear", "-y"],
    ["retry", "--force"],
  ]) {
    const refused = rig.prodigy(["dlq", ...args, session]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("can only be looked at");
  }
  expect(shown.stdout).toContain("item_3: Timeout, it took too long");
  expect(shown.stdout).toContain("item_4: CommandFailed");
  expect(shown.stderr).toMatch(/item_5\.json cannot be used: it is not JSON/);
  const events = JSON.parse(rig.prodigy(["events", "list", session, "--json"]).stdout) as { type: string }[];
  expect(events.map(({ type }) => type)).toEqual(["agent_started", "job_started", "dlq_item_added", "dlq_item_added"]);
  const refused = rig.prodigy(["resume", job]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`session ${session} is a MapReduce run of an earlier Prodigy`);
  expect(refused.stderr).toContain(`git merge prodigy-${session}`);
});

test("what belongs to another repository is left to it", async () => {
  await using rig = await newRig();
  leave(rig, `sessions/${EARLIER}.json`, earlierSessionFile());
  leave(rig, `state/${EARLIER}/checkpoints/w.checkpoint.json`, earlierCheckpointFile("/elsewhere/w.yml"));
  expect(JSON.parse(rig.prodigy(["sessions", "list", "--json"]).stdout)).toEqual([]);
  expect(JSON.parse(rig.prodigy(["sessions", "list", "--json", "--all-repos"]).stdout)).toMatchObject([
    { session: EARLIER, repository: null, resumable: false },
  ]);
});

test("check 47: clean-orphaned removes what the registry of a job names, keeps aside what no branch holds, and ends the registry", async () => {
  await using rig = await newRig();
  const tree = join(rig.home, "worktrees", "session-1", "mapreduce-agent-1");
  rig.git("worktree", "add", "-q", "--detach", tree);
  writeFileSync(join(tree, "work.txt"), "paid for\n");
  const entry = { agent_id: "a", item_id: "item_1", failed_at: "2025-01-11T12:00:00Z", error: "busy" };
  const registry = leave(rig, "orphaned_worktrees/project/job-1.json", [
    { ...entry, path: tree },
    { ...entry, path: join(rig.home, "worktrees", "session-1", "gone") },
  ]);
  const told = rig.prodigy(["worktree", "clean-orphaned", "job-1", "--dry-run"]);
  expect([told.code, told.stdout.includes("[DRY RUN] Would remove 2 worktrees"), existsSync(tree)]).toEqual([
    0,
    true,
    true,
  ]);
  expect(rig.prodigy(["worktree", "clean-orphaned", "job-1"]).code).toBe(2);
  const cleaned = rig.prodigy(["worktree", "clean-orphaned", "job-1", "-f"]);
  expect(cleaned.code, cleaned.stderr).toBe(0);
  expect(cleaned.stdout).toContain("Cleaned 2 worktrees\n");
  expect([existsSync(tree), existsSync(registry)]).toEqual([false, false]);
  const [, name = ""] = /prodigy salvage show (\S+)/.exec(cleaned.stdout) ?? [];
  expect(rig.prodigy(["salvage", "show", name]).stdout).toContain("work.txt");
  expect(rig.prodigy(["worktree", "clean-orphaned"]).stdout).toBe("No orphaned worktrees.\n");
});

test("check 47: a registry that names something else than a worktree deletes nothing, and stays", async () => {
  await using rig = await newRig();
  rig.write("../precious/file", "mine\n");
  const registry = leave(rig, "orphaned_worktrees/project/job-1.json", [{ path: join(rig.root, "precious") }]);
  const refused = rig.prodigy(["worktree", "clean-orphaned", "-f"]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("it is not in the folder of worktrees");
  expect([rig.read("../precious/file"), existsSync(registry)]).toEqual(["mine\n", true]);
});
