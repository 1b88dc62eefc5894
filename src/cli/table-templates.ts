/** The commands about registered templates. */
import { type CommandSpec, FORCE, type OptionSpec } from "./spec.ts";

const NAME = { name: "NAME", description: "the name of a template" } as const;
const USER: OptionSpec = { name: "user", description: "the store of the user, for all projects" };
const PROJECT: OptionSpec = { name: "project", description: "the store of the project, .prodigy/templates" };
const FILE = { name: "FILE", description: "a workflow file" } as const;

export const TEMPLATE_COMMANDS: CommandSpec = {
  name: "template",
  summary: "workflows that others take steps from, by name",
  commands: [
    {
      name: "init",
      summary: "make a folder of templates, with an example",
      details: "What is there already stays as it is.",
      args: [
        { name: "DIR", description: "the folder; without it .prodigy/templates of the project", count: "optional" },
      ],
      json: true,
      load: async () => (await import("./commands/template.ts")).init,
    },
    {
      name: "register",
      summary: "copy a workflow file into a store of templates",
      details:
        "It goes into the project's store where there is one (`prodigy template init` makes it), else into the user's. What it includes is looked for from there.",
      args: [FILE],
      options: [
        { name: "name", short: "n", value: "NAME", description: "its name; without it that of the file" },
        { name: "description", short: "d", value: "TEXT", description: "what it is for" },
        {
          name: "tag",
          short: "t",
          value: "TAG",
          kind: "list",
          description: "a tag, or several with commas (repeat it)",
        },
        { name: "author", short: "a", value: "NAME", description: "who wrote it" },
        { name: "version", value: "VERSION", description: "its own version; 1.0.0 without it" },
        PROJECT,
        USER,
        { name: "force", short: "f", description: "replace the template of this name" },
      ],
      json: true,
      load: async () => (await import("./commands/template.ts")).register,
    },
    {
      name: "list",
      aliases: ["ls"],
      summary: "list the templates of the project and of the user",
      options: [
        {
          name: "tag",
          short: "t",
          value: "TAG",
          kind: "list",
          description: "only those with this tag (repeat it: any of them)",
        },
        { name: "long", short: "l", description: "with everything that is noted about them" },
      ],
      json: true,
      load: async () => (await import("./commands/template.ts")).list,
    },
    {
      name: "show",
      summary: "show one template and its parameters",
      args: [NAME],
      options: [PROJECT, USER],
      json: true,
      load: async () => (await import("./commands/template.ts")).show,
    },
    {
      name: "search",
      summary: "find templates by a part of their name or description, or by tag",
      args: [{ name: "QUERY", description: "the text; upper and lower case are the same" }],
      options: [{ name: "tag", short: "t", description: "QUERY is a tag" }],
      json: true,
      load: async () => (await import("./commands/template.ts")).search,
    },
    {
      name: "validate",
      summary: "check a file that is to be a template",
      args: [FILE],
      json: true,
      load: async () => (await import("./commands/template-check.ts")).validate,
    },
    {
      name: "delete",
      aliases: ["rm"],
      summary: "delete a template",
      args: [NAME],
      options: [PROJECT, USER, FORCE],
      json: true,
      load: async () => (await import("./commands/template.ts")).remove,
    },
  ],
};

export const WORKFLOW_COMMANDS: CommandSpec = {
  name: "workflow",
  summary: "the workflow files of the project",
  commands: [
    {
      name: "show",
      summary: "print a workflow with all that it includes, in the current spelling",
      args: [FILE],
      options: [{ name: "resolved", description: "with comments that say in which file and line each part stands" }],
      json: true,
      load: async () => (await import("./commands/workflow.ts")).show,
    },
    {
      name: "list",
      aliases: ["ls"],
      summary: "list workflow files: in workflows/, .prodigy/workflows/ and the current folder",
      json: true,
      load: async () => (await import("./commands/workflow.ts")).list,
    },
  ],
};
