// `prodigy batch`, and `prodigy progress` of what it ran.
import { expect, test } from "vitest";
import { newRig } from "../kit/rig.ts";

const GLOB = ["src/**/*.{ts,js}", "!**/b.ts"];

test("11.2 20, 22, 24: batch runs the command for each file that matches, and merges what it commits", async () => {
  await using rig = await newRig();
  for (const name of ["src/a.ts", "src/deep/er/c.js", "src/b.ts", "other.ts"]) rig.write(name, "1\n");
  rig.commitAll("files");
  const command = "shell: echo Found: ${item.item}; echo more >> ${item}; git commit -qam 'more in ${item}'";
  const run = rig.prodigy(["batch", ...GLOB, "--command", command, "--parallel", "0", "-y"]);
  expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining("Found: src/deep/er/c.js") });
  expect([rig.read("src/a.ts"), rig.read("src/deep/er/c.js")]).toEqual(["1\nmore\n", "1\nmore\n"]);
  expect([rig.read("src/b.ts"), rig.read("other.ts")]).toEqual(["1\n", "1\n"]);
});

test("11.2 19, 21: batch needs a command, and without files it runs nothing", async () => {
  await using rig = await newRig();
  expect(rig.prodigy(["batch", "*.md"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--command") });
  const none = rig.prodigy(["batch", "*.none", "--command", "true"]);
  expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining("no items") });
  expect(rig.sessions()).toEqual([]);
});

test("11.2 23: a command that fails everywhere ends with an exit code that says so, and progress tells why", async () => {
  await using rig = await newRig();
  for (const name of ["a.txt", "b.txt", "c.txt"]) rig.write(name, "1\n");
  rig.commitAll("files");
  const run = rig.prodigy(["batch", "*.txt", "--command", "test ${item} = a.txt", "-y"]);
  expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining("2 in the dead letter queue") });
  const told = rig.prodigy(["progress"]);
  expect(told.stdout).toContain("3 of 3 items\n");
  expect(told.stdout).toContain("1 without commits · 2 dead · 0 left");
  expect(told.stdout).toContain('2× step "shell: test ${item} = a.txt" failed with exit code 1');
  const [id = ""] = rig.sessions();
  const parsed: unknown = JSON.parse(rig.prodigy(["progress", id.slice(-6), "--follow", "--json"]).stdout);
  expect(parsed).toMatchObject({
    session: id,
    status: "completed",
    items: { total: 3, ended: 3, unmerged: 1, dead: 2, left: 0 },
    causes: [{ count: 2 }],
  });
});

test("progress without a session says that nothing has run", async () => {
  await using rig = await newRig();
  const told = rig.prodigy(["progress"]);
  expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing has run in this repository yet") });
});
