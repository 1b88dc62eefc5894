// @ts-check
// Builds dist/: main.js (the command), index.js (the library), their shared lazy chunks, and types/.
//
// Runtime packages are devDependencies, because they are bundled: an installed Prodigy has no dependency to fetch, and
// `npm install -g` takes under a second. So the declarations must not name them either; this script refuses if they do.
import { execFile } from "node:child_process";
import { chmod, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
// commander and yaml are CommonJS and require node's own modules, which an ES module cannot do without this.
const REQUIRE =
  'import { createRequire as createRequire$ } from "node:module"; const require = createRequire$(import.meta.url);';
// Built beside dist and moved there at the end: a failed build leaves the last good one in place.
const staging = join(root, `dist.new-${process.pid}`);

try {
  const [inputs] = await Promise.all([bundle(), declarations()]);
  await writeFile(join(staging, "THIRD-PARTY-LICENSES.txt"), await licenses(inputs));
  await rm(join(root, "dist"), { recursive: true, force: true });
  await rename(staging, join(root, "dist"));
} finally {
  await rm(staging, { recursive: true, force: true });
}

async function bundle() {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts", "src/index.ts"],
    outdir: staging,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    metafile: true,
    logLevel: "warning",
    define: { __PRODIGY_VERSION__: JSON.stringify(version) },
    banner: { js: REQUIRE },
  });
  await Promise.all(Object.keys(metafile.outputs).map((file) => dropRequire(join(root, file))));
  const main = join(staging, "main.js");
  if (!(await readFile(main, "utf8")).startsWith("#!/usr/bin/env node\n")) {
    throw new Error("src/main.ts must begin with the line `#!/usr/bin/env node`: esbuild keeps it as the first line.");
  }
  await chmod(main, 0o755);
  return Object.keys(metafile.inputs);
}

/**
 * Only one of the files uses it, and making it is a tenth of what `prodigy --version` takes. The line stays, empty, so
 * that the source maps still fit.
 *
 * @param {string} file
 */
async function dropRequire(file) {
  if (!file.endsWith(".js")) return;
  const text = await readFile(file, "utf8");
  const without = text.replace(REQUIRE, "");
  if (!/(?<![\w$.])require(?![\w$])/.test(without)) await writeFile(file, without);
}

async function declarations() {
  const types = join(staging, "types");
  const tsc = createRequire(import.meta.url).resolve("typescript/package.json");
  await promisify(execFile)(
    process.execPath,
    [join(dirname(tsc), "bin/tsc"), "-p", "tsconfig.build.json", "--outDir", types],
    { cwd: root },
  ).catch((/** @type {{ stdout: string }} */ error) => {
    throw new Error(`tsc could not emit the declarations:\n${error.stdout}`, { cause: error });
  });
  await refuseBundledPackages(types);
}

/**
 * Follows the declarations from index.d.ts. A bundled package named in them would be missing at the user's.
 *
 * @param {string} types
 */
async function refuseBundledPackages(types) {
  const reached = new Set([join(types, "index.d.ts")]);
  for (const file of reached) {
    for (const [, specifier = ""] of (await readFile(file, "utf8")).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
      if (specifier.startsWith(".")) reached.add(join(dirname(file), specifier).replace(/\.[jt]s$/, ".d.ts"));
      else if (!specifier.startsWith("node:")) {
        throw new Error(
          `${relative(types, file)} is part of the public types and names "${specifier}", which is bundled.`,
        );
      }
    }
  }
}

/**
 * The licence texts of the bundled packages, which their licences ask us to pass on.
 *
 * @param {string[]} inputs
 */
async function licenses(inputs) {
  const packages = new Set(inputs.flatMap((input) => input.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []));
  const texts = [...packages].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
    const file = (await readdir(join(root, folder))).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? "" : await readFile(join(root, folder, file), "utf8");
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}
