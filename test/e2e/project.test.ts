import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

const LEGACY = {
  session_id: "cook-1234567890",
  status: "Interrupted",
  started_at: "2025-01-11T12:00:00Z",
  iterations_completed: 2,
  files_changed: 5,
  errors: [],
  working_directory: "/work",
};

test("check 32: a session of an earlier Prodigy is taken over by any command, once, and its file is archived", async () => {
  await using rig = await newRig();
  const folder = join(rig.repo, ".prodigy");
  mkdirSync(folder);
  writeFileSync(join(folder, "session_state.json"), JSON.stringify(LEGACY));
  writeFileSync(join(folder, "config.yml"), "log_level: info\n");
  const first = rig.prodigy(["sessions", "list", "--json"]);
  expect(first.code, first.stderr).toBe(0);
  expect(rig.session(LEGACY.session_id)).toMatchObject({ status: "Paused", started_at: "2025-01-11T12:00:00Z" });
  expect([existsSync(join(folder, "session_state.json")), existsSync(join(folder, "config.yml"))]).toEqual([
    false,
    true,
  ]);
  expect(readdirSync(join(folder, "migrated"))).toHaveLength(1);
  expect(JSON.parse(first.stdout)).toMatchObject([{ session: LEGACY.session_id, resumable: false }]);
  expect(rig.prodigy(["resume"]).stderr).toContain("there is no session that can be resumed");
  rig.prodigy(["sessions", "list"]);
  expect(rig.sessions()).toEqual([LEGACY.session_id]);
});

test("check 33: a file that cannot be read stays, and is reported", async () => {
  await using rig = await newRig();
  const folder = join(rig.repo, ".prodigy");
  mkdirSync(folder);
  writeFileSync(join(folder, "session_state.json"), JSON.stringify(LEGACY));
  writeFileSync(join(folder, "session_broken.json"), '{"session_id": "x", ');
  rig.prodigy(["sessions", "list"]);
  expect(rig.sessions()).toEqual([LEGACY.session_id]);
  expect(readdirSync(folder).toSorted()).toEqual(["session_broken.json", "session_state.json"]);
});

test("a project with a .prodigy folder counts its runs there; one without stays as it is", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  expect(rig.prodigy(["run", "../w.yml", "-y"]).code).toBe(0);
  expect(existsSync(join(rig.repo, ".prodigy"))).toBe(false);
  mkdirSync(join(rig.repo, ".prodigy"));
  rig.prodigy(["run", "../w.yml", "-y"]);
  rig.prodigy(["run", "../w.yml", "-y"]);
  const state = JSON.parse(readFileSync(join(rig.repo, ".prodigy", "state.json"), "utf8")) as object;
  expect(state).toMatchObject({ version: "1.0", total_runs: 2 });
  expect(readdirSync(join(rig.repo, ".prodigy", "history"))).toHaveLength(2);
});
