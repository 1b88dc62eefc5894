/** The promises about reading files that no test of the parser is named after; the others are in src/workflow. */
import { expect, test } from "vitest";
import { parseWorkflow } from "../../src/workflow/parse.ts";
import { newRig } from "../kit/rig.ts";

test("9.1 P5: steps is another word for commands, at the top and in phases, and what is no list is told with its place", () => {
  const read = (text: string): ReturnType<typeof parseWorkflow> => parseWorkflow(text, { file: "w.yml" });
  expect(read("steps: [{ shell: a }]\n").workflow?.steps).toHaveLength(1);
  expect(read("steps: [{ shell: a }]\nmerge: { steps: [{ shell: b }] }\n").workflow?.merge?.steps).toHaveLength(1);
  const both = read("steps: [{ shell: a }]\ncommands: [{ shell: b }]\n");
  expect(both.workflow).toBeNull();
  const wrong = read("steps: 3\n").diagnostics;
  expect(wrong.map(({ code, at }) => [code, at.line, at.column])).toEqual([["wrong-type", 1, 8]]);
});

test("9.1 P13: validate looks at every key of every kind of workflow, and takes all of its forms", async () => {
  await using rig = await newRig();
  const good = {
    "list.yml":
      '- "/prodigy-lint"\n- write_file: { path: a, content: b }\n- foreach: [a]\n  do: [{ shell: "echo ${item}" }]\n',
    "object.yml":
      "name: x\ncommands: [{ shell: a, on_failure: { claude: /fix, max_attempts: 3, fail_workflow: true } }]\n",
    "map.yml": "mode: mapreduce\nname: x\nmap: { input: items.json, agent_template: [{ claude: '/do ${item}' }] }\n",
    "object.json": '{"commands": [{"shell": "a"}]}',
  };
  for (const [file, text] of Object.entries(good)) rig.write(file, text);
  expect(rig.prodigy(["validate", ...Object.keys(good)])).toMatchObject({ code: 0 });
  rig.write(
    "bad.yml",
    "commands:\n  - shell: a\n    tiemout: 3\n  - shell: b\n    retry: { attempts: many }\nmerg: []\n",
  );
  const { code, stderr } = rig.prodigy(["validate", "bad.yml"]);
  expect(code).toBe(2);
  expect(stderr.match(/bad\.yml:\d+:\d+/g)).toEqual(["bad.yml:3:5", "bad.yml:5:24", "bad.yml:6:1"]);
});
