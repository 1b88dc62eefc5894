import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { openPerson } from "./person.ts";

function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  return { input, output, person: openPerson({ input, output }), shown: () => String(output.read() ?? "") };
}

const never = new AbortController().signal;

test.each([
  ["\n", "yes"],
  ["y\n", "yes"],
  ["YES\n", "yes"],
  ["n\n", "no"],
  [" No \n", "no"],
])("the answer %j is %s", async (typed, answer) => {
  const it = terminal();
  const answered = it.person.confirm("Merge?", never);
  await once(it.output, "readable");
  expect(it.shown()).toBe("Merge? [Y/n] ");
  it.input.write(typed);
  expect(await answered).toBe(answer);
});

test("Return pressed before the question is no answer to it, but a word is", async () => {
  const it = terminal();
  it.input.write("\n\n");
  const answered = it.person.confirm("Merge?", never);
  await once(it.output, "readable");
  it.input.write("n\n");
  expect(await answered).toBe("no");
  it.input.write("\nn\n");
  expect(await it.person.confirm("Merge?", never)).toBe("no");
});

test("another word is asked about again, and then nobody has answered", async () => {
  const it = terminal();
  const answer = it.person.confirm("Merge?", never);
  it.input.end("what\nwhy\nhow\n");
  expect(await answer).toBe("nobody");
});

test("without a terminal nobody is asked", async () => {
  const it = terminal(false);
  it.input.write("y\n");
  expect(await it.person.confirm("Merge?", never)).toBe("nobody");
  expect(it.shown()).toBe("");
});

test("the end of the input is nobody, and not the default", async () => {
  const it = terminal();
  it.input.end();
  expect(await it.person.confirm("Merge?", never)).toBe("nobody");
});

test("a stop ends the question", async () => {
  const it = terminal();
  const stop = new AbortController();
  const answer = it.person.confirm("Merge?", stop.signal);
  stop.abort();
  expect(await answer).toBe("nobody");
});
