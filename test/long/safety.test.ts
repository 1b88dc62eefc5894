/** Safe by default: what is kept is for its owner only, no name leads out of its place, and nothing listens. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { expect, test, vi } from "vitest";
import { newRig, type Rig } from "../kit/rig.ts";

const BUSY = `
- shell: "echo out; echo err >&2; echo a > a.txt; git add -A; git commit -qm a"
  capture: SAID
- claude: "/do"
- shell: "head -c 100000 /dev/zero | tr '\\\\0' x"
- foreach: { foreach: ["1", "2"], parallel: 2, do: [{ shell: "echo \${item} > i-\${item}.txt; git add -A; git commit -qm \${item}" }] }
- shell: "echo left > left.txt; false"
`;
const AGENT = "fallback: [{ write: { path: b.txt, content: b } }, { say: done }]\n";

test.each([["022"], ["000"]])(
  "the storage root and all in it is for its owner only, with a umask of %s",
  async (mask) => {
    await using rig = await newRig();
    rig.write("../w.yml", BUSY);
    rig.write("../agent.yml", AGENT);
    const script = `umask ${mask}; "$0" "$1" run ../w.yml --keep-going --args x; "$0" "$1" salvage list; "$0" "$1" stop x`;
    const env = { ...rig.env, PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: join(rig.root, "agent.yml") };
    const child = spawn("sh", ["-c", script, process.execPath, rig.main], { cwd: rig.repo, env, stdio: "ignore" });
    await once(child, "close");
    expect(rig.session().status).toBe("Completed");
    expect(tooOpen(rig.home)).toEqual([]);
  },
);

/** Folders that others may enter, and files that others may read, apart from what is behind such a folder anyway. */
function tooOpen(root: string): readonly string[] {
  // What git and the steps make in a worktree and in the shadow repository follows the umask; the root keeps others out.
  const isOthers = (path: string): boolean => /^worktrees\/[^/]+\/./.test(path) || /^shadow\/[^/]+\/./.test(path);
  const paths = readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  return [root, ...paths]
    .filter((path) => !isOthers(relative(root, path)))
    .map((path) => ({ path, entry: lstatSync(path) }))
    .filter(({ entry }) => !entry.isSymbolicLink() && (entry.mode & 0o777) !== (entry.isDirectory() ? 0o700 : 0o600))
    .map(({ path, entry }) => `${relative(root, path)} ${(entry.mode & 0o777).toString(8)}`);
}

test("a storage root that others may enter stays theirs to enter, and what is in it does not", async () => {
  await using rig = await newRig();
  mkdirSync(rig.home, { mode: 0o755 });
  rig.write("../w.yml", '- shell: "true"\n');
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(0);
  expect(tooOpen(rig.home)).toEqual([" 755"]);
});

const WITH_ID: readonly (readonly string[])[] = [
  ["resume"],
  ["stop"],
  ["pause"],
  ["sessions", "show"],
  ["sessions", "clean", "--force"],
  ["events", "list"],
  ["events", "show"],
  ["events", "follow"],
  ["worktree", "merge"],
  ["worktree", "clean", "--force"],
  ["salvage", "list"],
  ["salvage", "show"],
  ["salvage", "restore"],
  ["storage", "verify", "--repair"],
];

test.each([["../../outside"], [".."], ["a/../../b"], [""]])("the id %j is refused by every command", async (id) => {
  await using rig = await newRig();
  rig.write("../w.yml", '- shell: "true"\n');
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(0);
  rig.prodigy(["salvage", "list"]);
  rig.write("../outside/events/session.json", "{}");
  const before = everythingIn(rig);
  for (const command of WITH_ID) {
    const { code, stderr } = rig.prodigy([...command, id]);
    expect([1, 2], `${command.join(" ")}: ${stderr}`).toContain(code);
    expect(stderr, command.join(" ")).not.toBe("");
  }
  expect(everythingIn(rig)).toEqual(before);
});

function everythingIn(rig: Rig): readonly string[] {
  return readdirSync(rig.root, { recursive: true, encoding: "utf8" })
    .filter((path) => !/(^|\/)(locks|tmp)(\/|$)/.test(path))
    .toSorted();
}

test("files that a workflow names never leave the worktree", async () => {
  await using rig = await newRig();
  const outside = join(rig.root, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret.json"), '{"completion_percentage": 100}');
  symlinkSync(outside, join(rig.repo, "link"));
  symlinkSync(join(outside, "secret.json"), join(rig.repo, "linked.json"));
  rig.commitAll("links");
  const paths = [
    "../../out.txt",
    join(outside, "out.txt"),
    "link/out.txt",
    "linked.json",
    ".git",
    ".git/hooks/post-commit",
    "sub/../../up.txt",
  ];
  const steps = paths
    .map((path) => JSON.stringify(path))
    .flatMap((path) => [
      `- { write_file: { path: ${path}, content: taken, create_dirs: true }, allow_failure: true }`,
      `- { shell: "echo taken", output_file: ${path}, allow_failure: true }`,
      `- { shell: "true", validate: { shell: "true", result_file: ${path} }, allow_failure: true }`,
    ]);
  rig.write("../w.yml", `${steps.join("\n")}\n`);
  expect(rig.prodigy(["run", "../w.yml"]).code).toBe(0);
  const shown = rig.prodigy(["events", "show", rig.sessions()[0] ?? "", "--json", "--type", "step-ended"]).stdout;
  const outcomes = [...shown.matchAll(/"message": ?"([^"\\]|\\.)*"/g)].map(([message]) => message);
  expect(outcomes).toHaveLength(steps.length);
  for (const [index, message] of outcomes.entries()) expect(message, steps[index]).toContain("was refused");
  expect(readdirSync(outside)).toEqual(["secret.json"]);
  expect(readFileSync(join(outside, "secret.json"), "utf8")).toBe('{"completion_percentage": 100}');
});

test("a link that is put in the place of a folder while the run goes on leads nowhere", async () => {
  await using rig = await newRig();
  const outside = join(rig.root, "outside");
  mkdirSync(outside);
  rig.write(
    "../w.yml",
    `- shell: "mkdir d && echo a > d/a.txt"\n- shell: "rm -r d && ln -s ${outside} d"\n- write_file: { path: d/b.txt, content: taken, create_dirs: true }\n`,
  );
  const { code, stderr } = rig.prodigy(["run", "../w.yml"]);
  expect(code).toBe(1);
  expect(stderr).toContain("it leads out of the worktree");
  expect(readdirSync(outside)).toEqual([]);
});

test.runIf(process.platform === "linux")("nothing listens on the network during a run", async () => {
  await using rig = await newRig();
  rig.write("../w.yml", `- shell: "touch ${rig.root}/here; while ! test -e ${rig.root}/go; do sleep 0.05; done"\n`);
  const child = spawn(process.execPath, [rig.main, "run", "../w.yml"], {
    cwd: rig.repo,
    env: rig.env,
    stdio: "ignore",
  });
  const closed = once(child, "close");
  try {
    await vi.waitFor(() => expect(existsSync(join(rig.root, "here"))).toBe(true), { timeout: 50_000, interval: 20 });
    expect(networkSockets(child.pid ?? 0)).toEqual([]);
  } finally {
    writeFileSync(join(rig.root, "go"), "");
    await closed;
  }
});

/** Lines of the system's tables for sockets that the process holds. */
function networkSockets(pid: number): readonly string[] {
  const own = new Set(
    readdirSync(`/proc/${String(pid)}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${String(pid)}/fd/${fd}`))?.slice(1) ?? [];
      } catch {
        return []; // Closed in the meantime.
      }
    }),
  );
  return ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"]
    .map((table) => `/proc/${String(pid)}/net/${table}`)
    .filter((table) => existsSync(table))
    .flatMap((table) => readFileSync(table, "utf8").split("\n").slice(1))
    .filter((line) => own.has(line.trim().split(/\s+/)[9] ?? ""));
}

test.each([["a b  c"], ["prüfung-日本語-ñ"], ["quote'\"$(touch x)`"], ["new\nline"], ["-dash"], ["star*[a]?"]])(
  "a repository in a folder named %j works like any other",
  async (name) => {
    await using rig = await newRig({ name });
    const workflow = join(rig.root, `${name} flow.yml`);
    writeFileSync(
      workflow,
      `- shell: "echo made > 'a file ü.txt'; git add -A; git commit -qm made"\n- shell: "test -e 'a file ü.txt'"\n`,
    );
    const { code, stdout, stderr } = rig.prodigy(["run", workflow, "-y"]);
    expect(code, stdout + stderr).toBe(0);
    expect(rig.read("a file ü.txt")).toBe("made\n");
    expect(rig.prodigy(["sessions", "show", rig.sessions()[0] ?? ""]).code).toBe(0);
    expect(rig.prodigy(["worktree", "list"]).code).toBe(0);
  },
);
