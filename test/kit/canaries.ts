/** Secrets of every kind that are easy to find again, in every form, in everything that was written. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const KEY_LINES = [
  "-----BEGIN OPENSSH PRIVATE KEY-----",
  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW",
  "QyNTUxOQAAACDcanaryCanaryCANARYcanaryCanaryCANARYcanaryQAAAJgk8zTfJPM0",
  "3wAAAAtzc2gtZWQyNTUxOQAAACDcanaryLastLine==",
  "-----END OPENSSH PRIVATE KEY-----",
];

/** By the name of the variable that steps know it by. */
export const CANARIES = {
  // `secrets:`, from a variable whose name says nothing.
  PLAIN: "cnry-plain-7Qx9ZkLm2wVb",
  // From a file, of several lines.
  KEY: KEY_LINES.join("\n"),
  // From a command; looks like base64 already.
  COMMANDED: "Y25yeS1jb21tYW5kZWQ+/x9yZXQ=",
  // In the workflow file itself.
  LITERAL: "cnry literal 'q' 4Tq8",
  MADE: "cnry-made-by-command-31",
  // Of the host's environment, by its name.
  ODD_TOKEN: "cnry\"odd\\r[.*+?]^{1}|/&=%é<$(x)`>#!'",
  SHORT_PASSWORD: "Zq7!kP2x",
  // Of an env file, by its name.
  FILED_API_KEY: "cnry-from-env-file-88",
} as const;

export interface Leak {
  readonly where: string;
  readonly canary: string;
  readonly form: string;
}

/** Every form in which each canary might stand somewhere. */
const FORMS: readonly { readonly canary: string; readonly form: string; readonly bytes: Buffer }[] = Object.entries(
  CANARIES,
).flatMap(([canary, value]) => {
  const lines = value.split("\n").filter((line) => line.length >= 8);
  const parts = lines.length > 1 ? [value, ...lines] : [value];
  return parts.flatMap((part) => formsOf(part).map(([form, text]) => ({ canary, form, bytes: Buffer.from(text) })));
});

function formsOf(text: string): readonly (readonly [string, string])[] {
  const json = JSON.stringify(text).slice(1, -1);
  const base64 = [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift, "."), Buffer.from(text)]);
    // Without the ends, which depend on what stands around it.
    return bytes.toString("base64").slice(shift === 0 ? 0 : 4, Math.floor(bytes.length / 3) * 4);
  });
  return [
    ["plain", text],
    ["json", json],
    ["json in json", JSON.stringify(json).slice(1, -1)],
    ["url", encodeURIComponent(text)],
    ["form", new URLSearchParams({ v: text }).toString().slice(2)],
    ["shell", text.replaceAll("'", "'\\''")],
    ...base64.map((form, shift) => [`base64 at ${String(shift)}`, form] as const),
    ...base64.map(
      (form, shift) => [`base64url at ${String(shift)}`, form.replaceAll("+", "-").replaceAll("/", "_")] as const,
    ),
    ["wrapped base64", Buffer.from(text).toString("base64").slice(0, 60)],
    ["hex", Buffer.from(text).toString("hex")],
    // Where a text was cut before it was masked.
    ["beginning", text.length < 20 ? text : text.slice(0, 15)],
    ["end", text.length < 20 ? text : text.slice(-15)],
  ];
}

export function leaksIn(where: string, content: string | Uint8Array): readonly Leak[] {
  const bytes = Buffer.from(content);
  return FORMS.filter(({ bytes: form }) => bytes.includes(form)).map(({ canary, form }) => ({ where, canary, form }));
}

/** What stands in the files below a folder, and in their names. */
export function leaksBelow(folder: string, isAllowed: (path: string) => boolean): readonly Leak[] {
  return filesBelow(folder)
    .filter((path) => !isAllowed(relative(folder, path)))
    .flatMap((path) => [
      ...leaksIn(`name of ${relative(folder, path)}`, relative(folder, path)),
      ...leaksIn(relative(folder, path), readFileSync(path)),
    ]);
}

export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What stands in the objects of a git repository; `kinds` are those that are looked at. */
export function leaksInObjects(gitDir: string, kinds: readonly string[]): readonly Leak[] {
  const git = (args: readonly string[], input = ""): Buffer =>
    spawnSync("git", [`--git-dir=${gitDir}`, ...args], { input, maxBuffer: 256 * 1024 * 1024 }).stdout;
  const listed = git(["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]).toString();
  const ids = listed
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([kind = ""]) => kinds.includes(kind))
    .map(([, id = ""]) => id);
  return leaksIn(`${kinds.join(" or ")} of ${gitDir}`, git(["cat-file", "--batch"], `${ids.join("\n")}\n`));
}
