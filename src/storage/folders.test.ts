import { resolve } from "node:path";
import { expect, test } from "vitest";
import { storageRoot, worktreeRoot } from "./folders.ts";

test("things are kept below the home folder, unless the environment names another place", () => {
  expect(storageRoot({ HOME: "/home/me" })).toBe("/home/me/.prodigy");
  expect(storageRoot({ HOME: "/home/me", PRODIGY_HOME: "" })).toBe("/home/me/.prodigy");
  expect(storageRoot({ HOME: "/home/me", PRODIGY_HOME: "~/kept" })).toBe("/home/me/kept");
  expect(storageRoot({ HOME: "/home/me", PRODIGY_HOME: "kept" })).toBe(resolve("kept"));
});

test("worktrees are made elsewhere only where the environment says so", () => {
  expect(worktreeRoot({ HOME: "/home/me" })).toBeNull();
  expect(worktreeRoot({ HOME: "/home/me", PRODIGY_WORKTREE_DIR: "/dev/shm/trees" })).toBe("/dev/shm/trees");
});
