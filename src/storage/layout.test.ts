import { resolve, sep } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  laneDirectory,
  laneName,
  logFiles,
  newSessionId,
  repositoryKey,
  repositoryPaths,
  safeId,
  sessionPaths,
} from "./layout.ts";

test("a session's things are where the architecture note says", () => {
  const paths = sessionPaths("/store", "app-12345678", "session-1");
  expect(paths).toMatchObject({
    events: "/store/events/app-12345678/session-1",
    state: "/store/state/app-12345678/sessions/session-1.json",
    deadLetters: "/store/dlq/app-12345678/session-1/failed_items.json",
    worktree: "/store/worktrees/app-12345678/session-1",
  });
  expect(laneDirectory(paths, "main")).toBe(paths.worktree);
  expect(laneDirectory(paths, "input-0/pass-0/step-2/item-7")).toBe(
    "/store/worktrees/app-12345678/session-1.lanes/input-0+pass-0+step-2+item-7",
  );
});

test.each(["", ".", "..", "a/b", "../x", "a\\b", "a\0", "a b", "ä", "a".repeat(129), "~", "$HOME", "a\n"])(
  "%j is no id",
  (text) => {
    expect(safeId(text)).toMatchObject({ ok: false, fault: { message: expect.stringContaining("is not an id") } });
    expect(() => sessionPaths("/store", "repo", text)).toThrow("unsafe id");
    expect(() => repositoryPaths("/store", text)).toThrow("unsafe id");
  },
);

test("no id leads out of the root", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[./\\a]{0,6}$/));
  fc.assert(
    fc.property(text, text, (repository, session) => {
      if (!safeId(repository).ok || !safeId(session).ok) return;
      for (const path of Object.values(sessionPaths("/store", repository, session))) {
        expect(resolve(String(path)).startsWith(`/store${sep}`)).toBe(true);
      }
    }),
  );
});

test("any lane has a name of its own that is one plain folder", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, two) => {
      expect(laneName(one)).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9_+-]{0,110}$/);
      expect(laneName(one) === laneName(two)).toBe(one === two);
    }),
  );
});

test("log files are named by lane, number and step, relative to the root", () => {
  expect(
    logFiles({ repository: "app-1", session: "s-1", lane: "main", sequence: 12, label: "shell: npm test && ../x" }),
  ).toEqual({
    stdout: "logs/app-1/s-1/main/000012-shell-npm-test-x.stdout",
    stderr: "logs/app-1/s-1/main/000012-shell-npm-test-x.stderr",
    events: "logs/app-1/s-1/main/000012-shell-npm-test-x.jsonl",
  });
});

test("two repositories of one name have two keys, and any name gives an id", () => {
  expect(repositoryKey("app", "/a/app/.git")).not.toBe(repositoryKey("app", "/b/app/.git"));
  expect(repositoryKey("my app ü", "/x")).toMatch(/^my-app-[0-9a-f]{8}$/);
  expect(repositoryKey("…", "/x")).toMatch(/^repository-[0-9a-f]{8}$/);
});

test("session ids are safe and sort by time", () => {
  const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000].map((now) => newSessionId(now, () => 0.5));
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^session-[0-9a-z]{26}$/);
});
