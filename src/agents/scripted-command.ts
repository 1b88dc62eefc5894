import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Our own `main.js`, wherever the bundler has put this code. */
export function scriptedCommand(): readonly string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  const main = [join(here, "main.js"), join(here, "..", "main.js")].find((path) => existsSync(path));
  return [process.execPath, main ?? join(here, "main.js"), "scripted-agent"];
}
