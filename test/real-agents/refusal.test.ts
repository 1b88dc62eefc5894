// What the real `claude` could not do is said before it costs anything.
import { expect, test } from "vitest";
import { newPlace, stable } from "./place.ts";

test("a slash command gets its arguments; one that nobody knows is refused before it is paid", async () => {
  await using it = await newPlace({
    scenario: { rules: [], fallback: { text: "Reviewed." } },
    steps: '  - claude: "/prodigy-review src/a.ts deeply"\n  - claude: "/prodigy-reveiw a b"\n',
    files: { ".claude/commands/prodigy-review.md": "Review $ARGUMENTS now\n" },
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(1);
  expect(it.asks()).toHaveLength(1);
  expect(it.asks()[0]?.prompt).toContain("Review src/a.ts deeply now");
  expect(stable(ended.stderr, it)).toBe(
    [
      "Session failed: The agent claude was not started: it knows no command /prodigy-reveiw, and would take the prompt for plain text.",
      '  workflow.yml:6:5  - claude: "/prodigy-reveiw a b"',
      "  help: A command is a file .claude/commands/prodigy-reveiw.md that is committed in the repository, or in the user's own folder. Did you mean /prodigy-review? Plain text must not begin with a slash and a word.",
      "resume with: prodigy resume ID",
      "",
    ].join("\n"),
  );
});

test.runIf(process.getuid?.() === 0)("as root the agent is not started, unless the machine is a sandbox", async () => {
  await using it = await newPlace({
    scenario: { rules: [] },
    steps: '  - claude: "go"\n',
    env: { IS_SANDBOX: undefined },
  });
  const ended = await it.prodigy("run", "workflow.yml", "-y");
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(
    "The agent claude was not started: it refuses to work without permission prompts as root.",
  );
  expect(ended.stderr).toContain("set PRODIGY_CLAUDE_AS_ROOT=sandbox");
  expect(it.asks()).toEqual([]);
  await using sandbox = await newPlace({
    scenario: { rules: [] },
    steps: '  - claude: "go"\n',
    env: { IS_SANDBOX: undefined, PRODIGY_CLAUDE_AS_ROOT: "sandbox" },
  });
  expect(await sandbox.prodigy("run", "workflow.yml", "-y")).toMatchObject({ code: 0, stderr: "" });
});
