// What a person sees on a real terminal.
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { newRig, type Rig } from "../kit/rig.ts";
import { isAlive, type Started, startOnTerminal, until } from "../kit/started.ts";

test("on a terminal it shows what runs, for how long and what it said last, and takes that away in the end", async () => {
  await using rig = await newRig();
  const run = await startTalking(rig);
  await until(
    () => /▸ shell: echo halfway.*there[^\n]* {2}\d+\.\ds/.test(shown(run)) && shown(run).includes("  halfway there"),
  );
  expect(shown(run)).toMatch(/\n {2}\d+\.\ds · 1 step done · 1 commit/);
  expect(run.text()).toContain("\u001b[?25l");
  rig.write("../ok", "");
  const { code } = await run.ended;
  expect(code, run.text()).toBe(0);
  const [, end = ""] = shown(run).split("Merged (fast-forward)");
  expect(end).toContain("Session complete: 1 iteration, 1 file changed");
  expect(end).not.toContain("▸");
  expect(lastCursor(run)).toBe("\u001b[?25h");
});

test("Ctrl-C on a terminal ends what runs, pauses the session and gives the terminal back", async () => {
  await using rig = await newRig();
  const run = await startTalking(rig);
  await until(() => shown(run).includes("  halfway there"));
  run.process.stdin?.write("\u0003");
  const { code } = await run.ended;
  expect(code, run.text()).toBe(130);
  expect(shown(run)).toContain("Stopping: what runs is ended, and all that is finished is kept");
  expect(shown(run)).toContain("Session paused: stopped by SIGINT; everything finished is kept");
  expect(shown(run)).toContain(`resume with: prodigy resume ${rig.sessions()[0] ?? ""}`);
  expect(lastCursor(run)).toBe("\u001b[?25h");
  expect(isAlive(Number(rig.read("../pid")))).toBe(false);
  expect(rig.session()).toMatchObject({ status: "Paused" });
});

test("on a terminal the merge is asked for, and the answer that is typed counts", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "echo x > x; git add x; git commit -qm x"\n');
  const run = startOnTerminal(rig, ["run", "../w.yml"]);
  await until(() => /\[[Yy]\/[Nn]\]/.test(shown(run)));
  run.process.stdin?.write("n\r");
  const { code } = await run.ended;
  expect(code, run.text()).toBe(0);
  expect(shown(run)).toContain("Not merged, as you wished");
  expect(rig.git("rev-list", "--count", "main")).toBe("1");
});

/** A commit, then a step that says something and waits. */
async function startTalking(rig: Rig): Promise<Started> {
  rig.write(
    "../w.yml",
    `- shell: "echo x > x; git add x; git commit -qm x"\n- shell: "echo halfway there; echo $$ > ${rig.root}/pid; while [ ! -f ${rig.root}/ok ]; do sleep 0.05; done"\n`,
  );
  const run = startOnTerminal(rig, ["run", "../w.yml", "-y"]);
  await until(() => readdirSync(rig.root).includes("pid"));
  return run;
}

/** Without the colours and the moves of the cursor. */
function shown(run: Started): string {
  return run.text().replaceAll(ESCAPES, "").replaceAll("\r", "");
}

const ESCAPE = "\u001b";
const ESCAPES = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, "g");

/** The last that was done to the cursor: hidden or shown. */
function lastCursor(run: Started): string {
  const [hidden, visible] = ["\u001b[?25l", "\u001b[?25h"];
  return run.text().lastIndexOf(hidden) > run.text().lastIndexOf(visible) ? hidden : visible;
}
