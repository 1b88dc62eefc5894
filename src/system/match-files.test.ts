import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/kit/folder.ts";
import { matchFiles } from "./match-files.ts";

test("files match sorted and relative to the folder, git's own never", async () => {
  await using folder = await temporaryFolder();
  for (const path of ["b/2.md", "a/1.md", "a/x.txt", ".git/3.md", ".hidden/4.md"]) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), "");
  }
  expect(await matchFiles(folder.path, "**/*.md")).toEqual([".hidden/4.md", "a/1.md", "b/2.md"]);
  expect(await matchFiles(folder.path, "none/*")).toEqual([]);
});
