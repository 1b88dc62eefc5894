/** How a repository is tested, as far as its files tell. */
import { join } from "node:path";
import { readText } from "./head.ts";

export interface Tests {
  readonly files: number;
  /** The likely command; null when nothing hints at one. */
  readonly command: string | null;
  /** The file that says so. */
  readonly source: string | null;
}

/** Looks at the names of all files and at the manifests in the top folder. */
export async function findTests(directory: string, paths: readonly string[]): Promise<Tests> {
  const files = paths.filter((path) => TEST_FILE.test(path)).length;
  const top = new Set(paths.filter((path) => !path.includes("/")));
  for (const [source, read] of SOURCES) {
    if (!top.has(source)) continue;
    const command = read((await readText(join(directory, source))) ?? "", top);
    if (command !== null) return { files, command, source };
  }
  return { files, command: null, source: null };
}

const TEST_FILE =
  /(^|\/)(tests?|__tests__|spec)\/.+\.\w+$|[._-](test|spec)s?\.\w+$|(^|\/)test_[^/]+\.py$|_test\.(go|py|rb|exs|cc|cpp)$|Tests?\.(java|kt|cs|swift)$/;

type Reader = (text: string, top: ReadonlySet<string>) => string | null;

/** In order: a language's own manifest is a better hint than a Makefile, which may only build. */
const SOURCES: readonly (readonly [string, Reader])[] = [
  ["package.json", fromPackage],
  ["Cargo.toml", () => "cargo test"],
  ["go.mod", () => "go test ./..."],
  ["pyproject.toml", (text) => (/pytest/.test(text) ? "pytest" : "python -m unittest")],
  ["pytest.ini", () => "pytest"],
  ["tox.ini", () => "tox"],
  ["setup.py", () => "python -m unittest"],
  ["Gemfile", (text) => (/rspec/.test(text) ? "bundle exec rspec" : "bundle exec rake test")],
  ["mix.exs", () => "mix test"],
  ["pom.xml", (_text, top) => (top.has("mvnw") ? "./mvnw test" : "mvn test")],
  ["build.gradle", (_text, top) => gradle(top)],
  ["build.gradle.kts", (_text, top) => gradle(top)],
  ["composer.json", (text) => (/"test"\s*:/.test(text) ? "composer test" : null)],
  ["justfile", (text) => (/^test\b.*:/m.test(text) ? "just test" : null)],
  ["Makefile", (text) => (/^test\s*:/m.test(text) ? "make test" : null)],
];

function fromPackage(text: string, top: ReadonlySet<string>): string | null {
  const script = /"scripts"\s*:\s*\{[^}]*"test"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  // What `npm init` writes is not a test.
  if (script === undefined || /no test specified/.test(script)) return null;
  if (top.has("pnpm-lock.yaml")) return "pnpm test";
  if (top.has("yarn.lock")) return "yarn test";
  return top.has("bun.lock") || top.has("bun.lockb") ? "bun run test" : "npm test";
}

function gradle(top: ReadonlySet<string>): string {
  return top.has("gradlew") ? "./gradlew test" : "gradle test";
}
