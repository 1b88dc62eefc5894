/** argv -> call -> exit code. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { version } from "../version.ts";
import { EXIT_CODES } from "./exit-code.ts";
import type { Invocation, Shell } from "./shell.ts";
import { type CommandSpec, JSON_OPTION, type OptionSpec, VERBOSE } from "./spec.ts";
import { COMMANDS } from "./table.ts";
import { UsageError, valuesOf } from "./values.ts";

/** Runs the command that was typed. Help goes to stdout, complaints to stderr. */
export async function runProgram(argv: readonly string[], shell: Shell): Promise<number> {
  let code: number = EXIT_CODES.done;
  const program = buildProgram(argv, shell, (result) => {
    code = result;
  });
  if (argv.length === 0) {
    shell.stdout.write(program.helpInformation());
    return EXIT_CODES.done;
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof UsageError) {
      shell.stderr.write(`error: ${error.message}\n`);
      return EXIT_CODES.wrongUse;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUse;
    throw error;
  }
}

function buildProgram(argv: readonly string[], shell: Shell, finish: (code: number) => void): Command {
  const program = new Command("prodigy")
    .description("Runs coding agents through workflows over a git repository, and never loses finished work.")
    // An option of the program is understood behind a command, too, where it would hide the command's own.
    .version(`prodigy ${version}`, hasOwnVersion(argv) ? "-V" : "-V, --version", "print the version")
    .addOption(optionOf(VERBOSE))
    .helpOption("-h, --help", "print help")
    .helpCommand("help [COMMAND]", "print help for a command");
  configure(program, shell);
  for (const spec of COMMANDS) addCommand(program, spec, { shell, finish });
  program.addHelpText("after", "\nStart with: prodigy run WORKFLOW\nGo on with: prodigy resume");
  return program;
}

/** Whether the command that is typed has an option `--version` of its own. */
function hasOwnVersion(argv: readonly string[]): boolean {
  const words = argv.filter((arg) => !arg.startsWith("-"));
  const spec = COMMANDS.find(({ name }) => name === words[0])?.commands?.find(({ name }) => name === words[1]);
  return spec?.options?.some(({ name }) => name === "version") ?? false;
}

interface Wiring {
  readonly shell: Shell;
  readonly finish: (code: number) => void;
}

function addCommand(parent: Command, spec: CommandSpec, wiring: Wiring): void {
  const command = parent.command(spec.name).summary(spec.summary);
  command.description([`${capitalised(spec.summary)}.`, spec.details ?? ""].join("\n").trim());
  command.helpOption("-h, --help", "print help");
  configure(command, wiring.shell);
  if (spec.aliases !== undefined) command.aliases(spec.aliases);
  for (const { name, description, count = "one" } of spec.args ?? []) {
    command.argument(count === "one" ? `<${name}>` : count === "many" ? `<${name}...>` : `[${name}]`, description);
  }
  const options = optionsOf(spec);
  for (const option of options) command.addOption(optionOf(option));
  for (const child of spec.commands ?? []) addCommand(command, child, wiring);
  if (spec.commands !== undefined) {
    command.helpCommand(false);
    command.usage("COMMAND [options]").argument("[COMMAND]").allowExcessArguments();
    command.action((typed?: string) => command.error(missingCommand(spec, typed)));
    return;
  }
  command.allowExcessArguments(false);
  command.action(async () => {
    const invocation = await invocationOf(command, options, wiring.shell);
    const run = await spec.load?.();
    if (run !== undefined) wiring.finish(await run(invocation));
  });
}

/** The options of a command, with those that many commands share. */
export function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...(spec.options ?? []), ...(spec.json === true ? [JSON_OPTION] : [])];
}

async function invocationOf(command: Command, options: readonly OptionSpec[], shell: Shell): Promise<Invocation> {
  const typed: Readonly<Record<string, unknown>> = command.optsWithGlobals();
  const values = await valuesOf(options, typed);
  const verbosity = typed["verbose"];
  return {
    shell,
    args: command.processedArgs.flatMap((arg: unknown) => texts(arg)),
    values,
    verbosity: typeof verbosity === "number" ? verbosity : 0,
    json: options.includes(JSON_OPTION) && values.flag("json"),
    allows: (name) => options.some((option) => option.name === name),
  };
}

function texts(arg: unknown): readonly string[] {
  if (typeof arg === "string") return [arg];
  return Array.isArray(arg) ? arg.flatMap((part: unknown) => texts(part)) : [];
}

function optionOf(spec: OptionSpec): Option {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  const value = spec.value === undefined ? "" : ` <${spec.value}>`;
  const option = new Option(`${short}--${spec.name}${value}`, spec.description);
  if (spec === VERBOSE) return option.argParser((_: string, before: unknown) => Number(before ?? 0) + 1);
  if (spec.value === undefined) return option;
  return option.argParser((text: string, before: unknown) => {
    if (spec.kind === "list") return [...(Array.isArray(before) ? before.map(String) : []), text];
    if (before !== undefined) throw new InvalidArgumentError("It was given twice.");
    return text;
  });
}

function configure(command: Command, shell: Shell): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void shell.stdout.write(text),
      writeErr: (text) => void shell.stderr.write(text),
      outputError: (text, write) => write(reworded(text)),
      getOutHelpWidth: () => shell.stdout.columns || 100,
      getErrHelpWidth: () => shell.stderr.columns || 100,
    });
}

/** Commander's complaints in the words that our users know. */
function reworded(text: string): string {
  // The nearest name of a command is far from what is meant.
  if (/^error: unknown command '(?:version|ver)'/.test(text))
    return "error: unrecognised command 'version'\n(Did you mean --version?)\n";
  return text
    .replace(/^error: unknown (command|option)/, "error: unrecognised $1")
    .replace(
      /^error: too many arguments( for '[^']*')?\. Expected.*/,
      "error: unrecognised argument: there are too many$1",
    )
    .replace(/^error: option '([^']*)' argument '([^']*)' is invalid\./, "error: invalid value '$2' for '$1'.")
    .replace(/^error: option '([^']*)' argument missing/, "error: missing required argument of '$1'");
}

function missingCommand(spec: CommandSpec, typed?: string): string {
  const names = (spec.commands ?? []).map((child) => child.name);
  const told =
    typed === undefined
      ? `error: missing required argument: a command of 'prodigy ${spec.name}'`
      : `error: unrecognised command '${typed}' of 'prodigy ${spec.name}'`;
  return `${told}\nIts commands are: ${names.join(", ")}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
