import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

test.each([
  ["the command line", /^program-/],
  ["everything that is loaded on demand", /./],
])("when an update has replaced %s while it starts, it ends with 70 and says that nothing is lost", async (_, gone) => {
  await using rig = await newRig();
  const copy = join(rig.root, "dist");
  cpSync(dirname(rig.main), copy, { recursive: true });
  const chunks = join(copy, "chunks");
  for (const name of readdirSync(chunks).filter((file) => gone.test(file))) rmSync(join(chunks, name));
  const { status, stderr } = spawnSync(process.execPath, [join(copy, "main.js"), "sessions", "list"], {
    cwd: rig.repo,
    env: rig.env,
    encoding: "utf8",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  expect(status).toBe(70);
  expect(stderr).toContain("Nothing that was finished is lost");
});
