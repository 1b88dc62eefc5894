import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFiles } from "./files.ts";

async function rig() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "prodigy-files-")));
  const root = join(folder, "tree");
  await mkdir(join(root, "sub"), { recursive: true });
  await mkdir(join(root, ".git"));
  await mkdir(join(folder, "outside"));
  await writeFile(join(folder, "outside", "secret"), "not yours");
  const files = openFiles({ analyze: () => Promise.reject(new Error("not used here")) });
  const at = (path: string, allowOutside: readonly string[] = [], directory = root) => ({
    root,
    directory,
    path,
    allowOutside,
  });
  return {
    folder,
    root,
    read: (path: string, allowOutside?: readonly string[], directory?: string) =>
      files.read({ ...at(path, allowOutside, directory), maxBytes: 100 }),
    write: (
      path: string,
      options: {
        readonly allow?: readonly string[];
        readonly mode?: number;
        readonly createDirs?: boolean;
        readonly content?: string;
      } = {},
    ) =>
      files.write({
        ...at(path, options.allow),
        content: options.content ?? "text",
        mode: options.mode ?? null,
        createDirs: options.createDirs ?? false,
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("a file is written as a whole, with the mode that was asked for", async () => {
  await using it = await rig();
  expect(await it.write("sub/a.sh", { mode: 0o755 })).toEqual({
    ok: true,
    value: { path: join(it.root, "sub/a.sh"), bytes: 4 },
  });
  expect((await stat(join(it.root, "sub/a.sh"))).mode & 0o777).toBe(0o755);
  expect(await readdir(join(it.root, "sub"))).toEqual(["a.sh"]);
  expect(await it.read("sub/a.sh")).toEqual({ ok: true, value: "text" });
});

test("a file that is replaced keeps its mode unless another is asked for", async () => {
  await using it = await rig();
  await it.write("a");
  await chmod(join(it.root, "a"), 0o640);
  await it.write("a", { content: "more" });
  expect((await stat(join(it.root, "a"))).mode & 0o777).toBe(0o640);
});

test("what is not there is null, also when its folder is not there", async () => {
  await using it = await rig();
  expect(await it.read("nothing")).toEqual({ ok: true, value: null });
  expect(await it.read("no/such/folder/file")).toEqual({ ok: true, value: null });
});

test("folders are made only when asked for", async () => {
  await using it = await rig();
  expect(await it.write("x/y/z")).toMatchObject({
    ok: false,
    fault: { kind: "file", message: "Writing x/y/z failed: its folder does not exist." },
  });
  expect(await it.write("x/y/z", { createDirs: true })).toMatchObject({ ok: true });
});

test.each(["../outside/new", "sub/../../outside/new", "..", "../tree2/x", "", "sub/", "a\0b"])(
  "the path %j is refused",
  async (path) => {
    await using it = await rig();
    expect(await it.write(path, { createDirs: true })).toMatchObject({ ok: false, fault: { kind: "file" } });
    expect(await it.read(path)).toMatchObject({ ok: false });
  },
);

test.each(["a..b", "..a", "...", "sub/..hidden"])("%j is a name like any other", async (path) => {
  await using it = await rig();
  expect(await it.write(path)).toMatchObject({ ok: true });
});

test.each([".git/hooks/pre-commit", ".GIT/config", "sub/.git/config", ".git"])(
  "git's own %j is refused",
  async (path) => {
    await using it = await rig();
    expect(await it.write(path, { createDirs: true })).toMatchObject({
      ok: false,
      fault: { message: `The path ${JSON.stringify(path)} was refused: it is git's own.` },
    });
  },
);

test("a path may come back into the tree", async () => {
  await using it = await rig();
  expect(await it.write("sub/../../tree/a")).toMatchObject({ ok: true, value: { path: join(it.root, "a") } });
});

test("absolute paths are refused outside the tree and in order inside it", async () => {
  await using it = await rig();
  expect(await it.write(join(it.folder, "outside", "x"))).toMatchObject({ ok: false });
  expect(await it.write(join(it.root, "x"))).toMatchObject({ ok: true });
});

test("an outside place that the workflow allows may be used", async () => {
  await using it = await rig();
  const allow = [join(it.folder, "outside")];
  expect(await it.write("../outside/x", { allow })).toMatchObject({ ok: true });
  expect(await it.read("../outside/secret", allow)).toEqual({ ok: true, value: "not yours" });
  expect(await it.write("../outside2/x", { allow, createDirs: true })).toMatchObject({ ok: false });
});

test("a folder that is a link out of the tree is refused", async () => {
  await using it = await rig();
  await symlink(join(it.folder, "outside"), join(it.root, "link"));
  expect(await it.read("link/secret")).toMatchObject({ ok: false });
  expect(await it.write("link/new")).toMatchObject({ ok: false });
  expect(await it.write("link/deep/new", { createDirs: true })).toMatchObject({ ok: false });
  expect(await readdir(join(it.folder, "outside"))).toEqual(["secret"]);
});

test("a file that is a link out of the tree is neither read nor replaced", async () => {
  await using it = await rig();
  await symlink(join(it.folder, "outside", "secret"), join(it.root, "link"));
  expect(await it.read("link")).toMatchObject({ ok: false });
  expect(await it.write("link")).toMatchObject({ ok: false });
  expect(await readFile(join(it.folder, "outside", "secret"), "utf8")).toBe("not yours");
});

test("links that lead nowhere are refused, as files and as folders", async () => {
  await using it = await rig();
  await symlink(join(it.folder, "outside", "new"), join(it.root, "file"));
  await symlink(join(it.folder, "outside", "newdir"), join(it.root, "dir"));
  await symlink("circle", join(it.root, "circle"));
  for (const path of ["file", "dir/x", "circle", "circle/x"])
    expect(await it.write(path, { createDirs: true })).toMatchObject({ ok: false });
  expect(await readdir(join(it.folder, "outside"))).toEqual(["secret"]);
});

test("a link within the tree is followed", async () => {
  await using it = await rig();
  await symlink("sub", join(it.root, "link"));
  expect(await it.write("link/a")).toMatchObject({ ok: true, value: { path: join(it.root, "sub/a") } });
});

test("a folder and a pipe are no files", async () => {
  await using it = await rig();
  execFileSync("mkfifo", [join(it.root, "pipe")]);
  expect(await it.read("pipe")).toMatchObject({
    ok: false,
    fault: { message: "Reading pipe was refused: it is not a file." },
  });
  expect(await it.read("sub")).toMatchObject({ ok: false });
  expect(await it.write("sub")).toMatchObject({
    ok: false,
    fault: { message: "Writing sub failed: it is a directory." },
  });
});

test("a file over the limit is refused with both numbers", async () => {
  await using it = await rig();
  await writeFile(join(it.root, "big"), "x".repeat(101));
  expect(await it.read("big")).toMatchObject({
    ok: false,
    fault: { message: "Reading big was refused: it has 101 bytes, and at most 100 are read." },
  });
});

test("a relative path starts at the step's directory", async () => {
  await using it = await rig();
  await writeFile(join(it.root, "sub", "a"), "here");
  expect(await it.read("a", [], join(it.root, "sub"))).toEqual({ ok: true, value: "here" });
});
