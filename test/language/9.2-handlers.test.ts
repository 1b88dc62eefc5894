/** The promises about handlers by name and about `step_validate`, through the built command line. */
import { chmodSync } from "node:fs";
import { expect, test } from "vitest";
import { newRig, type Rig } from "../kit/rig.ts";

function lines(rig: Rig, text: string, script = "fallback: [{ say: x }]"): readonly string[] {
  rig.write("../w.yml", text);
  rig.write("../agent.yml", script);
  const env = { PRODIGY_AGENT: "scripted", PRODIGY_SCRIPT: `${rig.root}/agent.yml` };
  const { code, stdout, stderr } = rig.prodigy(["run", "../w.yml", "-v", "-y"], env);
  expect(code, stdout + stderr).toBe(0);
  return stdout.split("\n").flatMap((line) => /^ {2}\| (.*)$/.exec(line)?.[1] ?? []);
}

test("9.2 S22: handlers for shell, claude, git, cargo and files do what their attributes say", async () => {
  await using rig = await newRig();
  rig.write("bin/cargo", '#!/bin/sh\nprintf "cargo"; printf " <%s>" "$@"; echo\n');
  const text = `env: { PATH: "${rig.repo}/bin:\${env.PATH}", TITLE: "it's \\"done\\"; exit 9" }
commands:
  - handler: { name: file, attributes: { operation: write, path: "notes/\${env.TITLE}.txt", content: "held" } }
  - handler: { name: file, attributes: { operation: append, path: "notes/\${env.TITLE}.txt", content: " more" } }
  - handler: { name: file, attributes: { operation: copy, path: "notes/\${env.TITLE}.txt", destination: copy.txt } }
  - handler: { name: file, attributes: { operation: read, path: copy.txt } }
  - { handler: { name: file, attributes: { operation: write, path: copy.txt, content: other } }, allow_failure: true }
  - handler: { name: file, attributes: { operation: exists, path: nowhere } }
  - handler: { name: git, attributes: { operation: commit, message: "\${env.TITLE}", files: [copy.txt], auto_stage: true, args: [-q] } }
  - shell: "git log -1 --format=%s; git status --short"
  - handler: { name: cargo, attributes: { command: test, release: true, features: [a, b], package: "my pkg", args: ["--", "-q"] } }
  - handler: { name: shell, attributes: { command: "kind=bash; [[ $kind == b* ]] && echo yes", shell: bash } }
  - handler: { name: claude, attributes: { prompt: /say } }
`;
  chmodSync(`${rig.repo}/bin/cargo`, 0o755);
  rig.write(".gitignore", "bin\n");
  rig.commitAll("ignore");
  expect(lines(rig, text)).toEqual([
    "held more",
    "false",
    'it\'s "done"; exit 9',
    "?? notes/",
    "cargo <test> <--release> <--package> <my pkg> <--features> <a,b> <--> <-q>",
    "yes",
    "x",
  ]);
});

test("9.2 S22: what a handler does not know is told at its place", async () => {
  await using rig = await newRig();
  rig.write(
    "w.yml",
    "- handler: { name: docker, attributes: {} }\n- handler: { name: git, attributes: { mesage: x, operation: log } }\n- handler: { name: file, attributes: { operation: chmod, path: a } }\n",
  );
  const { stderr } = rig.prodigy(["validate", "w.yml"]);
  expect(stderr).toContain('w.yml:1:20: error[unknown-value]: "docker" is not one of shell, claude, git, cargo, file');
  expect(stderr).toContain('did you mean "message"?');
  expect(stderr).toContain('the file handler has no operation "chmod"');
  const scripts =
    "- handler: { name: cargo, attributes: { command: test } }\n- handler: { name: shell, attributes: { command: a, shell: bash } }\n";
  rig.write("scripts.yml", scripts);
  rig.prodigy(["validate", "--fix", "-y", "scripts.yml"]);
  expect(rig.read("scripts.yml")).toBe(scripts);
});

test("9.2 S23: step_validate compares exit codes and output, tries again, and counts commands and agents alike", async () => {
  await using rig = await newRig();
  const script = "rules: [{ when: { command: bad }, steps: [{ fail: error }] }]\nfallback: [{ say: good }]";
  const text = `- shell: "echo one"
  step_validate: { commands: [{ command: "echo found 7; exit 3", expect_exit_code: 3, expect_output: "found [0-9]" }] }
- shell: "echo two"
  step_validate: { commands: ["echo try >> tries; test $(wc -l < tries) -eq 2"], max_attempts: 2, retry_delay: 1ms }
- shell: "echo three"
  step_validate: { commands: ["claude: /bad", "claude: /good", "shell: exit 1"], success_criteria: any }
- shell: "echo four"
  step_validate: { commands: ["claude: /good", "shell: true", "shell: exit 1"], success_criteria: { at_least: 2 } }
- shell: "echo five"
  step_validate: { commands: ["claude: /bad", "shell: true", "shell: exit 1"], success_criteria: { at_least: 2 } }
  allow_failure: true
- shell: "echo last"
`;
  const out = lines(rig, text, script);
  expect(out.filter((line) => /^(one|two|three|four|five|last)$/.test(line))).toEqual([
    "one",
    "two",
    "three",
    "four",
    "five",
    "last",
  ]);
  const { code, stderr } = rig.prodigy(["run", "../w.yml"], {
    PRODIGY_AGENT: "scripted",
    PRODIGY_SCRIPT: `${rig.root}/none.yml`,
  });
  expect(code).toBe(1);
  expect(stderr).toContain('validation of step "shell: echo three" did not pass');
});
