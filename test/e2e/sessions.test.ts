import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test("sessions show tells what a session did, why it failed and how to go on", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", 'name: w\ncommands:\n  - shell: "echo why >&2; exit 9"\n');
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  const { code, stdout } = rig.prodigy(["sessions", "show", id.slice(-6)]);
  expect(code).toBe(0);
  for (const part of [
    id,
    "failed",
    "exit code 9",
    "    why",
    `log: ${rig.home}/logs/`,
    `resume with: prodigy resume ${id}`,
  ])
    expect(stdout).toContain(part);
  expect(JSON.parse(rig.prodigy(["sessions", "show", id, "--json"]).stdout)).toMatchObject({
    session: id,
    status: "failed",
    steps: { failed: 1 },
    fault: { exitCode: 9 },
  });
});

test("sessions clean deletes what has ended and keeps what can be resumed", async () => {
  await using rig = await newRig();
  rig.write("../good.yml", '- shell: "true"\n');
  rig.write("../bad.yml", '- shell: "false"\n');
  rig.prodigy(["run", "../good.yml"]);
  rig.prodigy(["run", "../bad.yml"]);
  const [good = "", bad = ""] = rig.sessions();
  expect(rig.prodigy(["sessions", "clean"]).code).toBe(2);
  expect(rig.prodigy(["sessions", "clean", "--all", "--dry-run"]).stdout).toBe(
    `Would delete ${good}\nKept ${bad}: it can be resumed\n`,
  );
  expect(rig.prodigy(["sessions", "clean", "--all"]).code).toBe(2);
  expect(rig.sessions()).toEqual([good, bad]);
  expect(rig.prodigy(["sessions", "clean", "--all", "-f"]).code).toBe(0);
  expect(rig.sessions()).toEqual([bad]);
});

test("a session is found from another folder, and listed with --all-repos", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "test -f ${rig.root}/ok"\n`);
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  rig.write("../ok", "");
  rig.write("../elsewhere/file", "");
  const elsewhere = ["-p", "../elsewhere"];
  expect(rig.prodigy(["sessions", "list", ...elsewhere]).code).toBe(2);
  expect(rig.prodigy(["sessions", "list", "--all-repos", ...elsewhere]).stdout).toContain(id);
  expect(rig.prodigy(["resume", id, ...elsewhere]).code).toBe(0);
});

test("events list tells what happened in a session, a line each, and without an ID which sessions there are", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "echo one"\n- shell: "exit 4"\n');
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  const lines = rig.prodigy(["events", "list", id]).stdout.trimEnd().split("\n");
  expect(lines.at(0)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d +1 {2}session-started/);
  expect(lines.at(-1)).toContain("session-failed");
  const ended = rig.prodigy(["events", "list", id, "--type", "step-ended", "--since", "1h", "--json"]).stdout;
  expect(JSON.parse(ended)).toMatchObject([{ outcome: { status: "ok" } }, { outcome: { status: "failed" } }]);
  expect(rig.prodigy(["events", "list", id, "--limit", "1"]).stdout.trimEnd()).toBe(lines.at(-1));
  expect(rig.prodigy(["events", "list", id, "--type", "nothing"]).stdout).toBe("No such events.\n");
  expect(rig.prodigy(["events", "list"]).stdout).toContain(`${id}  failed  ${lines.length}`);
  expect(JSON.parse(rig.prodigy(["events", "list", "--json"]).stdout)).toMatchObject([
    { session: id, status: "failed", events: lines.length },
  ]);
  expect(rig.prodigy(["events", "list", "--type", "step-ended"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("missing required argument: the ID"),
  });
});

test("events show tells everything about one event", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "echo one"\n');
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  const shown = rig.prodigy(["events", "show", id, "1"]).stdout;
  expect(shown).toContain("session-started");
  expect(shown).toContain('  "order": {');
  expect(shown).not.toContain("session-opened");
  expect(JSON.parse(rig.prodigy(["events", "show", id, "2", "--json"]).stdout)).toMatchObject({ seq: 2 });
  expect(rig.prodigy(["events", "show", id, "999"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`session ${id} has no event 999`),
  });
  expect(rig.prodigy(["events", "show", id, "first"]).code).toBe(2);
});
