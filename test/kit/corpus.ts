/** Every workflow that this repository shows or tests with. */
import { readdirSync, readFileSync } from "node:fs";

export interface Sample {
  /** Relative to the repository. */
  readonly place: string;
  readonly text: string;
}

const ROOT = new URL("../../", import.meta.url);

export function workflowFiles(): readonly Sample[] {
  return ["test/workflows", "examples"].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, ROOT), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(?:ya?ml|json)$/u.test(file))
      .toSorted()
      .map((file) => sample(`${folder}/${file}`)),
  );
}

/** The blocks of YAML in the pages, fragments included. */
export function documentedYaml(): readonly Sample[] {
  const pages = readdirSync(new URL("docs/", ROOT)).filter((file) => file.endsWith(".md"));
  return ["README.md", ...pages.toSorted().map((page) => `docs/${page}`)].flatMap((page) =>
    [...sample(page).text.matchAll(/^```yaml[^\n]*\n([^]*?)^```$/gmu)].map((match) => ({
      place: `${page}:${String(sample(page).text.slice(0, match.index).split("\n").length)}`,
      text: match[1] ?? "",
    })),
  );
}

function sample(place: string): Sample {
  return { place, text: readFileSync(new URL(place, ROOT), "utf8") };
}
