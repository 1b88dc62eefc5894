import { expect, test } from "vitest";
import type { FailurePolicy } from "./model.ts";
import { parseWorkflow } from "./parse.ts";

function policy(action: "shell" | "claude", onFailure: string): FailurePolicy {
  const { workflow, diagnostics } = parseWorkflow(`- ${action}: /x\n  on_failure: ${onFailure}\n`, { file: "w.yml" });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return workflow!.steps[0]!.onFailure;
}

/** The policy in one line. */
function summary(found: FailurePolicy): string {
  if (found.kind !== "handle") return found.kind;
  const steps = found.steps.map(({ action }) =>
    action.kind === "agent" ? action.prompt : action.kind === "shell" ? action.script : action.kind,
  );
  const flags = [
    found.failWorkflow ? "fail" : "go on",
    ...(found.handlerFailureFatal ? ["fatal"] : []),
    ...(found.timeoutMs === null ? [] : [`${found.timeoutMs} ms`]),
  ];
  return `${steps.join(", ")} | ${found.rounds} ${found.after} | ${flags.join(", ")}`;
}

const FORMS: readonly (readonly [form: string, onShell: string, onAgent: string])[] = [
  ["true", "tolerate", "tolerate"],
  ["false", "fail", "fail"],
  ["{fail_workflow: false}", "tolerate", "tolerate"],
  ["{fail_workflow: true}", "fail", "fail"],
  ["echo a", "echo a | 1 rerun | fail", "echo a | 1 accept | fail"],
  ["/fix it", "/fix it | 1 rerun | fail", "/fix it | 1 accept | fail"],
  ["[echo a, /fix]", "echo a, /fix | 1 rerun | fail", "echo a, /fix | 1 accept | fail"],
  ["[{claude: /fix}, {shell: b}]", "/fix, b | 1 rerun | fail", "/fix, b | 1 accept | fail"],
  ["{claude: /fix}", "/fix | 1 rerun | fail", "/fix | 1 accept | fail"],
  ["{shell: b}", "b | 1 rerun | fail", "b | 1 accept | fail"],
  ["{claude: /fix, shell: b}", "b, /fix | 1 rerun | fail", "b, /fix | 1 accept | fail"],
  ["{claude: /fix, max_attempts: 5, fail_workflow: false}", "/fix | 5 rerun | go on", "/fix | 5 rerun | go on"],
  ["{claude: /fix, max_retries: 2}", "/fix | 2 rerun | fail", "/fix | 2 rerun | fail"],
  ["{claude: /fix, max_attempts: 1}", "/fix | 1 rerun | fail", "/fix | 1 rerun | fail"],
  ["{claude: /fix, retry_original: true}", "/fix | 1 rerun | fail", "/fix | 1 rerun | fail"],
  ["{claude: /fix, retry_original: false}", "/fix | 1 accept | fail", "/fix | 1 accept | fail"],
  ["{shell: b, retry_original: false, max_attempts: 3}", "b | 3 accept | fail", "b | 3 accept | fail"],
  ["{shell: b, strategy: fallback}", "b | 1 replace | fail", "b | 1 replace | fail"],
  ["{shell: b, strategy: Cleanup}", "b | 1 fail | fail", "b | 1 fail | fail"],
  ["{shell: b, strategy: recovery}", "b | 1 rerun | fail", "b | 1 accept | fail"],
  [
    "{commands: [{shell: b}, {claude: /c}], fail_workflow: false}",
    "b, /c | 1 rerun | go on",
    "b, /c | 1 accept | go on",
  ],
  [
    "{commands: [{shell: b}], handler_failure_fatal: true, timeout: 5}",
    "b | 1 rerun | fail, fatal, 5000 ms",
    "b | 1 accept | fail, fatal, 5000 ms",
  ],
  ["{max_attempts: 3}", " | 3 rerun | fail", " | 3 rerun | fail"],
];

test.each(FORMS)("on_failure: %s on a shell step", (form, onShell) => {
  expect(summary(policy("shell", form))).toBe(onShell);
});

test.each(FORMS)("on_failure: %s on an agent step", (form, _, onAgent) => {
  expect(summary(policy("claude", form))).toBe(onAgent);
});

test("a handler that is a whole step keeps all of its keys", () => {
  const found = policy(
    "shell",
    "{shell: b, commit_required: true, when: 'true', timeout: 5, on_success: {shell: c}, max_attempts: 2}",
  );

  expect(found).toMatchObject({
    kind: "handle",
    rounds: 2,
    steps: [{ commitRequired: true, when: "true", timeoutMs: 5_000, onSuccess: [{ action: { script: "c" } }] }],
  });
});

test("allow_failure beside a handler lets the run go on after it", () => {
  const { workflow } = parseWorkflow("- {shell: a, allow_failure: true, on_failure: {claude: /fix}}", {
    file: "w.yml",
  });

  expect(summary(workflow!.steps[0]!.onFailure)).toBe("/fix | 1 rerun | go on");
});

test("handlers after a loop that pays agents do not repeat it unasked", () => {
  const loop = "foreach: [1], do: [{claude: /x}]";
  const { workflow } = parseWorkflow(`- {${loop}, on_failure: {shell: b}}`, { file: "w.yml" });

  expect(summary(workflow!.steps[0]!.onFailure)).toBe("b | 1 accept | fail");
});

test.each([
  ["{}", "missing-key"],
  ["[]", "no-steps"],
  ["{strategy: fallback}", "missing-key"],
  ["{claude: /fix, max_attempts: 0}", "out-of-range"],
  ["{claude: /fix, max_atempts: 2}", "unknown-key"],
  ["{claude: /fix, fail_workflow: maybe}", "wrong-type"],
  ["3", "wrong-type"],
  ["", "empty-value"],
])("on_failure: %s is refused", (form, code) => {
  const { diagnostics } = parseWorkflow(`- shell: x\n  on_failure: ${form}\n`, { file: "w.yml" });

  expect(diagnostics.map((diagnostic) => diagnostic.code)).toEqual([code]);
});
