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
