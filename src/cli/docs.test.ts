import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandsPage } from "./docs.ts";
import { EXIT_CODES } from "./exit-code.ts";

test("docs/commands.md is what the command table says", async () => {
  await expect(commandsPage()).toMatchFileSnapshot("../../docs/commands.md");
});

test("docs/exit-codes.md lists the exit codes of the code", () => {
  const page = readFileSync(new URL("../../docs/exit-codes.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, code, name]) => [name, Number(code)]);
  expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
});
