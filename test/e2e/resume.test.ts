import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newRig, type Rig } from "../kit/rig.ts";
import { isAlive, start, until } from "../kit/started.ts";

test("check 53 (as amended): resume without an id takes the newest that can be resumed and names it", async () => {
  await using rig = await newRig();
  expect(rig.prodigy(["resume"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no session that can be resumed"),
  });
  rig.write("../w.yml", `- shell: "test -f ${rig.root}/ok"\n`);
  for (const _ of [1, 2]) rig.prodigy(["run", "../w.yml"]);
  rig.write("../ok", "");
  const [first, second] = rig.sessions();
  expect(rig.prodigy(["resume"])).toMatchObject({ code: 0, stdout: expect.stringContaining(`${second}`) });
  expect(rig.prodigy(["resume"])).toMatchObject({ code: 0, stdout: expect.stringContaining(`${first}`) });
  expect(rig.prodigy(["resume"]).code).toBe(1);
});

test("check 54: an unknown id exits 1 and is named", async () => {
  await using rig = await newRig();
  const { code, stderr } = rig.prodigy(["resume", "nonexistent-session-123"]);
  expect(code).toBe(1);
  expect(stderr).toContain("nonexistent-session-123");
  expect(rig.prodigy(["resume", "../../etc"]).code).toBe(1);
});

test("check 56: only what is left runs, and captured values are still there", async () => {
  await using rig = await newRig();
  const log = `${rig.root}/ran`;
  rig.write(
    "../w.yml",
    `commands:
  - shell: |
      echo one >> ${log}; echo '{"n":[1,true]}'
    capture: data
    capture_format: json
  - shell: "echo two >> ${log}; test -f ${rig.root}/ok"
  - shell: "echo 'three n=\${data.n}' >> ${log}"
`,
  );
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(1);
  rig.write("../ok", "");
  const { code, stdout } = rig.prodigy(["resume", rig.sessions()[0] ?? ""]);
  expect(code).toBe(0);
  expect(stdout).toContain("Resuming session");
  expect(readFileSync(log, "utf8")).toBe("one\ntwo\ntwo\nthree n=[1,true]\n");
  expect(rig.session()).toMatchObject({ status: "Completed" });
});

test("check 62: a session that is done has nothing to resume and exits 1", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  expect(rig.prodigy(["resume", id])).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing to resume") });
});

test("check 63 (as amended): an edited file changes nothing by accident; --force takes it from the first changed step on", async () => {
  await using rig = await newRig();
  const log = `${rig.root}/ran`;
  const workflow = (second: string): string =>
    `- shell: "echo one >> ${log}"\n- shell: "${second}"\n- shell: "echo last >> ${log}"\n`;
  rig.write("../w.yml", workflow("false"));
  rig.prodigy(["run", "../w.yml"]);
  rig.write("../w.yml", workflow(`echo mended >> ${log}`));
  const plain = rig.prodigy(["resume"]);
  expect(plain).toMatchObject({ code: 1, stderr: expect.stringContaining("--force") });
  const forced = rig.prodigy(["resume", "--force"]);
  expect(forced.code).toBe(0);
  expect(forced.stderr).toContain("These steps come next, as they are now:\n  2. shell: echo mended");
  expect(readFileSync(log, "utf8")).toBe("one\nmended\nlast\n");
});

test("resume --force tells which steps run again, which come next, and that ended inputs stay", async () => {
  await using rig = await newRig();
  const file = (second: string): string =>
    `- shell: "echo one >> ${rig.root}/log"\n- shell: "${second}"\n- shell: "test $ARG = a -o -f ${rig.root}/ok"\n- shell: "true"\n`;
  rig.write("../w.yml", file("echo two"));
  rig.prodigy(["run", "../w.yml", "--args", "a", "--args", "b"]);
  rig.write("../ok", "");
  rig.write("../w.yml", file("echo zwei"));
  const { code, stderr } = rig.prodigy(["resume", "--force", "-y"]);
  expect(code).toBe(0);
  expect(stderr).toContain("What ran for 1 input that ended stays as it is.\n");
  expect(stderr).toContain("These steps run again:\n  2. shell: echo zwei\n");
  expect(stderr).toMatch(/These steps come next, as they are now:\n {2}3\. [^\n]*\n {2}4\. shell: true\n/);
  expect(rig.read("../log")).toBe("one\none\n");
});

test("check 64: what fails again can be resumed again", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "test -f ${rig.root}/ok"\n`);
  for (const args of [["run", "../w.yml"], ["resume"], ["resume"]]) expect(rig.prodigy(args).code).toBe(1);
  rig.write("../ok", "");
  expect(rig.prodigy(["resume"]).code).toBe(0);
  expect(rig.sessions()).toHaveLength(1);
});

test("check 65: a session that is being worked on is refused with its process, another one is not", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "touch ${rig.root}/running; sleep 60"\n`);
  const child = start(rig, ["run", "../w.yml"]);
  await until(() => existsSync(`${rig.root}/running`));
  const [id = ""] = rig.sessions();
  const { code, stderr } = rig.prodigy(["resume", id]);
  expect(code).toBe(1);
  expect(stderr).toContain(id);
  expect(stderr).toContain(String(child.process.pid));
  expect(rig.prodigy(["exec", "true"]).code).toBe(0);
  child.process.kill("SIGKILL");
  await child.ended;
  const resumed = start(rig, ["resume", id]);
  await until(() => resumed.text().includes("Executing step"));
  resumed.process.kill("SIGTERM");
  expect((await resumed.ended).code).toBe(143);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "check 82: %s during a long step exits %i, pauses the session and ends the children",
  async (signal, expected) => {
    await using rig = await newRig();
    rig.write("../w.yml", `- shell: "echo $$ > ${rig.root}/pid; sleep 60 & echo $! > ${rig.root}/child; wait"\n`);
    const run = start(rig, ["run", "../w.yml"]);
    await until(() => existsSync(`${rig.root}/child`) && rig.read("../child") !== "");
    run.process.kill(signal);
    const { code, stderr } = await run.ended;
    expect(code).toBe(expected);
    expect(stderr).toContain(`resume with: prodigy resume ${rig.sessions()[0]}`);
    expect(rig.session()).toMatchObject({ status: "Paused" });
    for (const file of ["../pid", "../child"]) expect(isAlive(Number(rig.read(file)))).toBe(false);
  },
);

test("check 82: a second signal ends at once, and nothing finished is lost", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    `- shell: "echo x > x.txt; git add -A; git commit -qm x"\n- shell: "trap '' TERM; touch ${rig.root}/up; while [ ! -f ${rig.root}/ok ]; do sleep 0.1; done"\n`,
  );
  const run = start(rig, ["run", "../w.yml"]);
  await until(() => existsSync(`${rig.root}/up`));
  run.process.kill("SIGINT");
  await until(() => run.text().includes("Stopping"));
  run.process.kill("SIGINT");
  expect((await run.ended).code).toBe(130);
  rig.write("../ok", "");
  const resumed = rig.prodigy(["resume", "-y"]);
  expect(resumed).toMatchObject({ code: 0 });
  expect(rig.read("x.txt")).toBe("x\n");
  expect(rig.git("rev-list", "--count", "main")).toBe("2");
});

test("stop and pause from another terminal pause the session, which exits 4", async () => {
  await using rig = await newRig();
  rig.write(
    "../w.yml",
    `- shell: "touch ${rig.root}/one; while [ ! -f ${rig.root}/go ]; do sleep 0.05; done"\n- shell: "touch ${rig.root}/two; sleep 60"\n`,
  );
  const paused = start(rig, ["run", "../w.yml"]);
  await until(() => existsSync(`${rig.root}/one`));
  const [id = ""] = rig.sessions();
  expect(rig.prodigy(["pause", id]).code).toBe(0);
  await until(() => paused.text().includes("Pausing"));
  rig.write("../go", "");
  expect((await paused.ended).code).toBe(4);
  expect(existsSync(`${rig.root}/two`)).toBe(false);
  const resumed = start(rig, ["resume", id]);
  await until(() => existsSync(`${rig.root}/two`));
  expect(rig.prodigy(["stop", id]).code).toBe(0);
  expect((await resumed.ended).code).toBe(4);
  expect(rig.prodigy(["stop", id])).toMatchObject({ code: 1, stderr: expect.stringContaining("is not running") });
});

test("check 28: a session whose process was killed is shown as interrupted and can be resumed", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "touch ${rig.root}/up; while [ ! -f ${rig.root}/ok ]; do sleep 0.05; done"\n`);
  const run = start(rig, ["run", "../w.yml"]);
  await until(() => existsSync(`${rig.root}/up`));
  run.process.kill("SIGKILL");
  await run.ended;
  expect(JSON.parse(rig.prodigy(["sessions", "list", "--json", "--status", "interrupted"]).stdout)).toMatchObject([
    { status: "interrupted", pid: null, resumable: true },
  ]);
  rig.write("../ok", "");
  expect(rig.prodigy(["resume"]).code).toBe(0);
  expect(rig.session()).toMatchObject({ status: "Completed" });
});

test("events list, show, follow and storage verify read a session's journal", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  const lines = rig.prodigy(["events", "show", id, "--json"]).stdout.trimEnd().split("\n");
  const events = lines.map((line) => JSON.parse(line) as { type: string; seq: number });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  expect([events.at(0)?.type, events.at(-1)?.type]).toEqual(["session-started", "session-ended"]);
  expect(rig.prodigy(["events", "follow", id, "--json"]).stdout.trimEnd().split("\n")).toEqual(lines);
  expect(JSON.parse(rig.prodigy(["events", "list", id, "--json"]).stdout)).toEqual(events);
  expect(rig.prodigy(["storage", "verify"])).toMatchObject({
    code: 0,
    stdout: `${id}: good, ${lines.length} events\n`,
  });
});

test("a session that died before its first event is said to have never begun", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  rig.prodigy(["run", "../w.yml"]);
  const events = join(rig.home, "events");
  const [repository = ""] = readdirSync(events);
  mkdirSync(join(events, repository, "session-empty"));
  for (const args of [
    ["resume", "session-empty"],
    ["sessions", "show", "session-empty"],
  ])
    expect(rig.prodigy(args)).toMatchObject({ code: 1, stderr: expect.stringContaining("never began") });
  expect(rig.prodigy(["sessions", "list"]).stdout).not.toContain("session-empty");
});

test("damage in a journal is refused with file and line, and repaired without losing a byte", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "true"\n- shell: "test -f ${rig.root}/ok"\n`);
  rig.prodigy(["run", "../w.yml"]);
  const [id = ""] = rig.sessions();
  const file = journalFile(rig);
  const lines = readFileSync(file, "utf8").split("\n");
  const middle = lines.findIndex((line) => line.includes("lane-prepared"));
  const broken = lines.map((line, at) => (at === middle ? line.replace("lane-prepared", "lane-prepAred") : line));
  writeFileSync(file, broken.join("\n"));
  const refused = rig.prodigy(["resume", id]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`${file}`);
  expect(refused.stderr).toContain("prodigy storage verify");
  expect(rig.prodigy(["storage", "verify"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("damaged after"),
  });
  rig.write("../ok", "");
  expect(rig.prodigy(["storage", "verify", id, "--repair"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("repaired"),
  });
  expect(rig.prodigy(["resume", id])).toMatchObject({ code: 0 });
});

function journalFile(rig: Rig): string {
  const file = readdirSync(join(rig.home, "events"), { recursive: true, encoding: "utf8" }).find((path) =>
    path.endsWith(".jsonl"),
  );
  return join(rig.home, "events", file ?? "");
}

test("a session whose worker died after its last event is listed as completed, and its file mended by a resume", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "echo x > x && git add x && git commit -qm x"\n');
  expect(rig.prodigy(["run", "../w.yml", "-y"]).code).toBe(0);
  const [id = ""] = rig.sessions();
  const [repository = ""] = readdirSync(join(rig.home, "state"));
  const file = join(rig.home, "state", repository, "sessions", `${id}.json`);
  const behind = { ...(JSON.parse(readFileSync(file, "utf8")) as object), status: "Running", completed_at: null };
  writeFileSync(file, JSON.stringify(behind));
  expect(JSON.parse(rig.prodigy(["sessions", "list", "--json"]).stdout)).toMatchObject([
    { session: id, status: "completed", landing: "landed", resumable: false },
  ]);
  const again = rig.prodigy(["resume", id, "-y"]);
  expect([again.code, rig.session(id).status]).toEqual([1, "Completed"]);
  expect(again.stderr).toContain("nothing to resume");
});
