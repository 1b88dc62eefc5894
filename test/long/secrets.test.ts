/**
 * A secret is nowhere on the disk and nowhere on the screen: canaries are planted wherever a workflow can put them, and
 * then every byte that was written is searched. What the workflow itself asks to be written into its worktree is the one
 * place where they may stand.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { CANARIES, type Leak, leaksBelow, leaksIn, leaksInObjects } from "../kit/canaries.ts";
import { type Ended, newRig, type Rig } from "../kit/rig.ts";

const DECLARED = `
secrets:
  PLAIN: { env: PLAIN_SOURCE }
  KEY: { file: ../sources/key.pem }
  COMMANDED: { command: "cat $SOURCES/commanded" }
env_files: [../sources/values.env]
env:
  LITERAL: { secret: true, value: "${CANARIES.LITERAL}" }
  MADE: { secret: true, command: "cat $SOURCES/made; echo done >&2" }
`;

const ALL = Object.keys(CANARIES)
  .map((name) => `"$${name}"`)
  .join(" ");

async function rigWithSecrets(): Promise<{ readonly rig: Rig; readonly env: Readonly<Record<string, string>> }> {
  const rig = await newRig();
  rig.write("../sources/key.pem", `${CANARIES.KEY}\n`);
  rig.write("../sources/commanded", CANARIES.COMMANDED);
  rig.write("../sources/made", CANARIES.MADE);
  rig.write("../sources/values.env", `FILED_API_KEY=${CANARIES.FILED_API_KEY}\n`);
  rig.write("../sources/agent.yml", AGENT);
  const env = {
    SOURCES: join(rig.root, "sources"),
    PLAIN_SOURCE: CANARIES.PLAIN,
    ODD_TOKEN: CANARIES.ODD_TOKEN,
    SHORT_PASSWORD: CANARIES.SHORT_PASSWORD,
    PRODIGY_AGENT: "scripted",
    PRODIGY_SCRIPT: join(rig.root, "sources/agent.yml"),
  };
  return { rig, env };
}

/** Says what it was told, and lets a tool say it again. */
const AGENT = `
rules:
  - when: { command: fail }
    steps:
      - say: "about to fail with {{prompt}}"
      - { fail: { kind: error, message: "failed: {{prompt}}" } }
  - when: { command: keep }
    steps:
      - say: "It was {{prompt}}"
  - when: { command: crash }
    steps:
      - { fail: { kind: crash, message: "crashed: {{prompt}}" } }
fallback:
  - say: "I was told {{prompt}}"
  - shell: 'printf "%s\\n" ${ALL}; printf "%s\\n" ${ALL} >&2'
  - shell: 'node -e "console.log(JSON.stringify(process.env))"'
  - say: "It was {{prompt}}"
`;

/** All that was written under the root of the rig but the sources, the repository and what steps wrote on purpose. */
function leaksOf(rig: Rig, runs: readonly Ended[]): readonly Leak[] {
  const [shadow] = readdirSync(join(rig.home, "shadow"));
  return [
    ...runs.flatMap(({ stdout, stderr }, index) => [
      ...leaksIn(`stdout of call ${String(index)}`, stdout),
      ...leaksIn(`stderr of call ${String(index)}`, stderr),
    ]),
    ...leaksBelow(rig.home, (path) => /^worktrees\/|^shadow\/[^/]*\/objects\//.test(path)),
    ...leaksBelow(join(rig.root, "tmp"), () => false),
    ...leaksBelow(join(rig.root, "user"), () => false),
    ...leaksBelow(join(rig.repo, ".git"), (path) => path.startsWith("objects/") || path === "index"),
    // Files that steps wrote, and their names, are blobs, trees and the index. Nothing of ours is.
    ...leaksInObjects(join(rig.home, "shadow", shadow ?? ""), ["commit", "tag"]),
    ...leaksInObjects(join(rig.repo, ".git"), ["commit", "tag"]),
  ];
}

/** Every command that shows something of a session. */
function lookEverywhere(rig: Rig, env: Readonly<Record<string, string>>): readonly Ended[] {
  const [id = ""] = rig.sessions();
  return [
    ["events", "list"],
    ["events", "list", id],
    ["events", "show", id],
    ["events", "show", id, "--json"],
    ["sessions", "list", "--json"],
    ["sessions", "show", id],
    ["sessions", "show", id, "--json"],
    ["worktree", "list"],
    ["salvage", "list"],
    ["salvage", "list", "--json"],
  ].map((args) => rig.prodigy(args, env));
}

const EVERYWHERE = `
name: canaries
${DECLARED}
commands:
  - shell: 'printf "%s\\n" ${ALL}; printf "%s\\n" ${ALL} >&2'
    capture: ALL
    capture_streams: { stdout: true, stderr: true }
  - id: failing
    shell: 'printf "%s\\n" ${ALL}; printf "%s\\n" ${ALL} >&2; exit 3'
    on_failure: { shell: 'echo "it said: $OUT"; false', fail_workflow: false }
    env: { OUT: "\${shell.output}" }
  - shell: 'printf %s "$PLAIN" | cut -c1-9 | tr -d "\\n"; sleep 0.2; printf %s "$PLAIN" | cut -c10-'
  - shell: 'for v in ${ALL}; do printf %s "$v" | base64; printf "Basic:%s" "$v" | base64; done'
  - shell: 'node -e "for (const v of process.argv.slice(1)) console.log(encodeURIComponent(v), JSON.stringify(v), JSON.stringify(JSON.stringify({v})))" ${ALL}'
  - shell: 'node -e "console.log(JSON.stringify(Object.fromEntries(process.argv.slice(1).map((v) => [v, [v]]))))" ${ALL}'
    capture: AS_JSON
    capture_format: json
  - claude: "first: \${ALL} \${AS_JSON} \${env.ODD_TOKEN}"
    capture: ANSWER
  - claude: "/fail with \${ALL}"
    allow_failure: true
  - claude: "/crash with \${ALL}"
    allow_failure: true
  - write_file: { path: kept.txt, content: "\${ALL}" }
  - shell: 'head -c 200000 /dev/zero | tr "\\0" "x"; printf "%s\\n" ${ALL}'
    capture: BIG
  - shell: |
      wc -c <<'END'
      \${BIG}
      END
  - shell: 'printf "%0485d%s\\n" 0 "$PLAIN" >&2; exit 1'
    allow_failure: true
  - shell: 'printf "%070d%s\\n" 0 "$PLAIN"'
    capture: NUMBER
    capture_format: number
    allow_failure: true
  - foreach: 'printf "%s\\n" ${ALL}'
    do:
      - name: "of \${item}"
        shell: 'printf "item %s\\n" "$ITEM"; echo "\${index}" > item.txt'
        env: { ITEM: "\${item}" }
        auto_commit: { message: "item \${item}" }
  - foreach:
      foreach: ["$PLAIN", "\${PLAIN}"]
      parallel: 2
      do:
        - shell: 'echo "\${item}" > "p-\${index}.txt"; git add -A; git commit -qm "parallel \${index}"'
  - shell: 'touch "named-$PLAIN"'
    auto_commit: { message: "for $PLAIN and \${PLAIN}" }
  - shell: 'true'
    validate:
      shell: 'node -e "console.log(JSON.stringify({completion_percentage: 50, missing: process.argv.slice(1), gaps: {g: process.argv[1]}}))" ${ALL}'
      on_incomplete: { claude: "complete \${validation.missing} \${validation.gaps}", max_attempts: 1, fail_workflow: false }
  - shell: 'true'
    when: 'ALL != "no"'
  - shell: 'echo "cnry-plain-7Qx9ZkLm2wVb stands in the file"'
    allow_failure: true
  - shell: 'echo "\${PLAIN.nothing}"'
    allow_failure: true
`;

test.each([["-vv"], ["--json"]])("no secret is written or shown by a run with %s", async (flag) => {
  const { rig, env } = await rigWithSecrets();
  await using _ = rig;
  rig.write("../w.yml", EVERYWHERE);
  const run = rig.prodigy(["run", "../w.yml", flag, "-y"], env);
  expect(run.code, run.stderr.slice(-2000)).toBe(0);
  expect(rig.read("kept.txt")).toBe(`${Object.values(CANARIES).join("\n")}`);
  expect(leaksOf(rig, [run, ...lookEverywhere(rig, env)])).toEqual([]);
});

const HELD = `
name: held
${DECLARED}
commands:
  - shell: 'printf "%s\\n" ${ALL}'
    capture: ALL
  - shell: 'node -e "console.log(JSON.stringify(process.argv.slice(1)))" ${ALL}'
    capture: LIST
    capture_format: json
  - shell: |
      # More than fits an argument, so it goes another way.
      : <<'END'
      ${"x".repeat(150_000)}
      \${ALL}
      END
      touch "$SOURCES/held"
      while ! test -e "$SOURCES/go"; do sleep 0.05; done
  - write_file: { path: kept.txt, content: "\${ALL}" }
  - claude: "/keep \${ALL}"
    capture: ANSWER
  - foreach: { foreach: ["\${LIST[1]}", "\${LIST[5]}"], do: [{ write_file: { path: "item-\${index}.txt", content: "\${item}" } }] }
  - write_file: { path: answer.txt, content: "\${ANSWER}" }
  - shell: 'git add -A; git commit -qm "kept"'
`;

test("a run that was killed goes on with the true values, though none of them was on the disk", async () => {
  const outcomes: unknown[] = [];
  const leaks: Leak[] = [];
  for (const kill of [false, true]) {
    const { rig, env } = await rigWithSecrets();
    await using _ = rig;
    rig.write("../w.yml", HELD);
    const runs: Ended[] = [];
    if (kill) {
      await killedOnce(rig, env, join(rig.root, "sources/held"));
      leaks.push(...leaksOf(rig, []));
      rig.write("../sources/go", "");
      runs.push(rig.prodigy(["resume", "-y", "-v"], env));
    } else {
      rig.write("../sources/go", "");
      runs.push(rig.prodigy(["run", "../w.yml", "-y", "-v"], env));
    }
    expect(runs[0]?.code, runs[0]?.stderr.slice(-2000)).toBe(0);
    leaks.push(...leaksOf(rig, [...runs, ...lookEverywhere(rig, env)]));
    const files = readdirSync(rig.repo).filter((name) => name.endsWith(".txt"));
    outcomes.push(Object.fromEntries(files.map((name) => [name, rig.read(name)])));
  }
  expect(leaks).toEqual([]);
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject({
    "kept.txt": Object.values(CANARIES).join("\n"),
    "item-1.txt": CANARIES.ODD_TOKEN,
    "answer.txt": `It was /keep ${Object.values(CANARIES).join("\n")}`,
  });
});

/** Starts the workflow and kills it, children and all, as soon as the file is there. */
async function killedOnce(rig: Rig, env: Readonly<Record<string, string>>, file: string): Promise<void> {
  const child = spawn(process.execPath, [rig.main, "run", "../w.yml"], {
    cwd: rig.repo,
    env: { ...rig.env, ...env },
    stdio: "ignore",
  });
  await vi.waitFor(() => expect(existsSync(file)).toBe(true), { timeout: 50_000, interval: 20 });
  child.kill("SIGKILL");
  await once(child, "close");
}

test("a session is not gone on with without its secrets, and says which are missing", async () => {
  const { rig, env } = await rigWithSecrets();
  await using _ = rig;
  rig.write(
    "../w.yml",
    `
secrets: { PLAIN: { env: PLAIN_SOURCE } }
commands:
  - shell: 'echo "$PLAIN"'
    capture: SAID
  - shell: 'test -e "$SOURCES/go"'
  - write_file: { path: kept.txt, content: "\${SAID}" }
  - shell: 'test "\${SAID}" = ${CANARIES.PLAIN} && git add -A && git commit -qm kept'
`,
  );
  expect(rig.prodigy(["run", "../w.yml"], env).code).toBe(1);
  rig.write("../sources/go", "");
  const without = rig.prodigy(["resume"], { ...env, PLAIN_SOURCE: "" });
  expect(without.code).not.toBe(0);
  expect(without.stderr).toContain("PLAIN");
  const again = rig.prodigy(["resume", "-y"], env);
  expect(again.code, again.stderr).toBe(0);
  expect(rig.read("kept.txt")).toBe(CANARIES.PLAIN);
});

test("a parameter whose name says that it is secret is kept nowhere, and is given again by the environment", async () => {
  const { rig, env } = await rigWithSecrets();
  await using _ = rig;
  rig.write(
    "../w.yml",
    `
commands:
  - shell: 'test -e "$SOURCES/go"'
  - write_file: { path: kept.txt, content: "\${params.db_password}" }
  - shell: 'git add -A; git commit -qm kept'
`,
  );
  const run = rig.prodigy(["run", "../w.yml", "-vv", "--param", `db_password=${CANARIES.PLAIN}`], env);
  const refused = rig.prodigy(["resume"], env);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("db_password") });
  expect(leaksOf(rig, [run, refused, ...lookEverywhere(rig, env)])).toEqual([]);
  rig.write("../sources/go", "");
  const resumed = rig.prodigy(["resume", "-y"], { ...env, DB_PASSWORD: CANARIES.PLAIN });
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(rig.read("kept.txt")).toBe(CANARIES.PLAIN);
});

test.each([["validate"], ["run", "--dry-run"], ["run", "--dry-run", "--json"], ["run", "--dry-run", "-vv"]])(
  "a secret that stands in the workflow file is not shown by %s %s %s",
  async (command, ...flags) => {
    const { rig, env } = await rigWithSecrets();
    await using _ = rig;
    rig.write(
      "../w.yml",
      `
secrets: { PLAIN: "${CANARIES.LITERAL}" }
env: { MADE: { secret: true, value: "${CANARIES.MADE}" } }
commands:
  - shell: 'echo "${CANARIES.MADE}"'
    nothing: true
`.replace("    nothing: true\n", command === "validate" ? "    options: { x: 1 }\n" : ""),
    );
    const shown = rig.prodigy([command, "../w.yml", ...flags], env);
    expect(shown.code, shown.stderr).toBe(0);
    expect([...leaksIn("stdout", shown.stdout), ...leaksIn("stderr", shown.stderr)]).toEqual([]);
  },
);

test("what was kept aside is shown without secrets and restored with them", async () => {
  const { rig, env } = await rigWithSecrets();
  await using _ = rig;
  rig.write(
    "../w.yml",
    `
secrets: { PLAIN: { env: PLAIN_SOURCE } }
commands:
  - shell: 'echo "$PLAIN \${ARG}" > left.txt; false'
`,
  );
  const run = rig.prodigy(["run", "../w.yml", "--keep-going", "--args", `input ${CANARIES.PLAIN}`], env);
  expect(run.code).toBe(3);
  const listed = rig.prodigy(["salvage", "list", "--json"], env);
  const [{ name = "" } = {}] = JSON.parse(listed.stdout) as { name?: string }[];
  const shown = rig.prodigy(["salvage", "show", name], env);
  expect(shown.stdout).toContain("left.txt");
  expect(leaksOf(rig, [run, listed, shown, ...lookEverywhere(rig, env)])).toEqual([]);
  expect(rig.prodigy(["salvage", "restore", name, "--branch", "back"], env).code).toBe(0);
  expect(rig.git("show", "back:left.txt")).toContain(CANARIES.PLAIN);
});
