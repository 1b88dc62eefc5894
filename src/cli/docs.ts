/** The command table as a page of the documentation. */
import { optionsOf } from "./program.ts";
import { type CommandSpec, type OptionSpec, VERBOSE } from "./spec.ts";
import { COMMANDS } from "./table.ts";

export function commandsPage(): string {
  const leaves = COMMANDS.flatMap((spec) => leavesOf(spec, []));
  return `${[
    "# Commands",
    "",
    "Made from the command table in `src/cli/table.ts`; a test compares the two (`npx vitest run src/cli -u` writes this page).",
    "",
    "Every command understands `-h, --help` and, before or after it, `-v, --verbose`: " + `${VERBOSE.description}.`,
    "What `--json` prints is in [json.md](json.md), what exit codes mean in [exit-codes.md](exit-codes.md).",
    ...leaves.flatMap(section),
  ].join("\n")}\n`;
}

interface Leaf {
  readonly path: readonly string[];
  readonly spec: CommandSpec;
}

function leavesOf(spec: CommandSpec, above: readonly string[]): readonly Leaf[] {
  const path = [...above, spec.name];
  return spec.commands === undefined ? [{ path, spec }] : spec.commands.flatMap((child) => leavesOf(child, path));
}

function section({ path, spec }: Leaf): readonly string[] {
  const { args = [], aliases = [], details } = spec;
  const typed = args.map(({ name, count }) =>
    count === "optional" ? `[${name}]` : count === "many" ? `${name}...` : name,
  );
  const also = aliases.length === 0 ? "" : ` Also: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
  const rows = [
    ...args.map(({ name, description }) => `| \`${name}\` | ${description} |`),
    ...optionsOf(spec).map((option) => `| \`${shown(option)}\` | ${option.description} |`),
  ];
  return [
    "",
    `## prodigy ${path.join(" ")}`,
    "",
    `    prodigy ${[...path, ...typed].join(" ")}`,
    "",
    `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.${details === undefined ? "" : ` ${details}`}${also}`,
    ...(rows.length === 0 ? [] : ["", "| | |", "| --- | --- |", ...rows]),
  ];
}

function shown({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}
