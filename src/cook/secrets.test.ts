import { expect, test } from "vitest";
import { testOrder } from "../../test/kit/session-events.ts";
import { openMasker } from "../system/masker.ts";
import { parseWorkflow } from "../workflow/parse.ts";
import type { Recorded } from "./decision/event.ts";
import { mapped } from "./masking.ts";
import { openedHistory, registerSecrets } from "./secrets.ts";

const FILE = `
secrets: { FIRST: { env: PLAIN_NAME }, SECOND: { file: key.pem } }
env: { THIRD: { secret: true, value: literal-third }, API_KEY: looks-secret-4, NAME: innocent-5 }
commands:
  - shell: 'echo literal-third'
    env: { STEP_TOKEN: of-the-step-6 }
`;

const HOST = (env: Record<string, string>, files: Record<string, string>) => ({
  env,
  readText: (path: string) => Promise.resolve({ ok: true as const, value: files[path] ?? null }),
});

function workflow() {
  const parsed = parseWorkflow(FILE, { file: "/flow.yml" }).workflow;
  if (parsed === null) throw new Error("the workflow is valid");
  return parsed;
}

test("what a workflow declares is known before its first event is written", async () => {
  const masker = openMasker();
  const host = HOST({ PLAIN_NAME: "value-first-1" }, { "/app/key.pem": "value-second-2\n" });
  const parameters = { db: { password: "of-a-parameter-7", user: "somebody-8" } };
  await registerSecrets({ workflow: workflow(), parameters, directory: "/app" }, { host, masker });
  const all =
    "value-first-1 value-second-2 literal-third looks-secret-4 innocent-5 of-the-step-6 of-a-parameter-7 somebody-8";
  expect(masker.mask(all)).toBe("*** *** *** *** innocent-5 *** *** somebody-8");
});

async function storedOrder(): Promise<Recorded> {
  const masker = openMasker();
  const order = { ...testOrder(), workflow: workflow(), workflowFile: "/flow.yml", inputs: ["for value-first-1"] };
  const host = HOST({ PLAIN_NAME: "value-first-1" }, {});
  await registerSecrets({ workflow: order.workflow, parameters: {}, directory: "/app" }, { host, masker });
  return mapped({ type: "session-started", order, at: 0, seq: 1 }, (text) => masker.seal(text));
}

test("a stored order is opened with the environment, and with the file in which a secret stood", async () => {
  const stored = await storedOrder();
  expect(JSON.stringify(stored)).not.toMatch(/literal-third|value-first-1/);
  const masker = openMasker();
  const host = HOST({ PLAIN_NAME: "value-first-1" }, { "/flow.yml": FILE });
  const { history, missing } = await openedHistory([stored], { host, masker });
  expect(missing).toEqual([]);
  expect(history).toMatchObject([{ order: { workflow: workflow(), inputs: ["for value-first-1"] } }]);
});

test("secrets that neither the environment nor the file has are named", async () => {
  const { missing } = await openedHistory([await storedOrder()], { host: HOST({}, {}), masker: openMasker() });
  expect(missing).toEqual(expect.arrayContaining(["FIRST", "THIRD"]));
});
