/** `prodigy template`: the registered ones. */
import { basename, relative, resolve } from "node:path";
import {
  deleteTemplate,
  type Fault,
  findTemplate,
  initTemplates,
  listTemplates,
  registerTemplate,
  storesOf,
  type Template,
  templatePlace,
  type TemplateStore,
} from "../../index.ts";
import { EXIT_CODES } from "../exit-code.ts";
import { printable, table } from "../render/format.ts";
import { printJson } from "../render/json.ts";
import { refuse } from "../session-run.ts";
import type { Invocation, Run } from "../shell.ts";
import { UsageError } from "../values.ts";
import { expandHome, inputFault, readWorkflowFile } from "../workflow-file.ts";
import { checkedTemplate, partsOf, tellParts } from "./template-check.ts";

/** `prodigy template init [DIR]` */
export const init: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const named = args[0] === undefined ? storesOf(whereOf(invocation)).project : expandHome(args[0], shell.env);
  const directory = resolve(shell.cwd, named);
  const made = await initTemplates(directory);
  if (!made.ok) return refuse(invocation, made.fault);
  if (json) printJson(shell.stdout, { directory, ...made.value });
  else {
    shell.stdout.write(`Templates are in ${directory}\n`);
    for (const name of made.value.written) shell.stdout.write(`  wrote ${name}\n`);
    for (const name of made.value.kept) shell.stdout.write(`  kept ${name}, which was there\n`);
  }
  return EXIT_CODES.done;
};

/** `prodigy template register FILE -n NAME` */
export const register: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const file = expandHome(args[0] ?? "", shell.env);
  const name = values.text("name") ?? basename(file).replace(/\.(?:ya?ml|json)$/iu, "");
  const store = storeOf(invocation);
  const place = templatePlace({ ...whereOf(invocation), name, store });
  if (!place.ok) return refuse(invocation, place.fault);
  const checked = await checkedTemplate(invocation, file, place.value.path);
  if (typeof checked === "number") return checked;
  const tags = values.list("tag").flatMap((list) => list.split(",").flatMap((tag) => tag.trim() || []));
  const registered = await registerTemplate({
    ...whereOf(invocation),
    file,
    name,
    store,
    description: values.text("description"),
    author: values.text("author"),
    version: values.text("version"),
    ...(tags.length === 0 ? {} : { tags }),
    replace: values.flag("force"),
    now: shell.now(),
  });
  if (!registered.ok) return refuseFailed(invocation, registered.fault);
  if (json) printJson(shell.stdout, registered.value);
  else shell.stdout.write(`Registered template ${name}: ${shown(invocation, registered.value)}\n`);
  return EXIT_CODES.done;
};

/** `prodigy template list` */
export const list: Run = async (invocation) => {
  const { values } = invocation;
  const all = await listTemplates(whereOf(invocation));
  const tags = values.list("tag");
  const chosen = all.filter((one) => tags.length === 0 || one.tags.some((tag) => tags.includes(tag)));
  return tellList(invocation, chosen, values.flag("long"));
};

/** `prodigy template search QUERY` */
export const search: Run = async (invocation) => {
  const { args, values } = invocation;
  const wanted = (args[0] ?? "").toLowerCase();
  const all = await listTemplates(whereOf(invocation));
  const chosen = all.filter(({ name, description, tags }) =>
    values.flag("tag")
      ? tags.some((tag) => tag.toLowerCase() === wanted)
      : [name, description ?? ""].some((text) => text.toLowerCase().includes(wanted)),
  );
  return tellList(invocation, chosen, false);
};

/** `prodigy template show NAME` */
export const show: Run = async (invocation) => {
  const { shell, args, json } = invocation;
  const found = await findTemplate({ ...whereOf(invocation), name: args[0] ?? "", store: storeOf(invocation) });
  if (!found.ok) return refuseFailed(invocation, found.fault);
  const template = found.value;
  const read = await readWorkflowFile(shell, template.file);
  if (json) {
    const parts = read.kind === "good" ? partsOf(read.workflow) : { parameters: null, steps: null, features: null };
    printJson(shell.stdout, { ...template, valid: read.kind === "good", ...parts });
    return EXIT_CODES.done;
  }
  shell.stdout.write(longText(invocation, template));
  if (read.kind === "good") tellParts(shell, read.workflow);
  else shell.stdout.write("It is no valid workflow: prodigy template validate tells why\n");
  return EXIT_CODES.done;
};

/** `prodigy template delete NAME` */
export const remove: Run = async (invocation) => {
  const { shell, args, values, json } = invocation;
  const found = await findTemplate({ ...whereOf(invocation), name: args[0] ?? "", store: storeOf(invocation) });
  if (!found.ok) return refuseFailed(invocation, found.fault);
  const { name, file } = found.value;
  if (!values.flag("force")) {
    const question = `Delete template ${name} (${shown(invocation, found.value)})?`;
    const answer = json ? "nobody" : await shell.confirm(question, shell.stop);
    if (answer === "nobody") return refuse(invocation, inputFault("nothing was deleted", "-f answers the question"));
    if (answer === "no") {
      shell.stdout.write(`Kept template ${name}.\n`);
      return EXIT_CODES.done;
    }
  }
  const deleted = await deleteTemplate(found.value);
  if (!deleted.ok) return refuse(invocation, deleted.fault);
  if (json) printJson(shell.stdout, { deleted: name, file });
  else shell.stdout.write(`Deleted template ${name}.\n`);
  return EXIT_CODES.done;
};

function tellList(invocation: Invocation, templates: readonly Template[], long: boolean): number {
  const { shell, json } = invocation;
  if (json) printJson(shell.stdout, templates);
  else if (templates.length === 0) shell.stdout.write("No templates found.\n");
  else if (long) shell.stdout.write(templates.map((one) => longText(invocation, one)).join("\n"));
  else shell.stdout.write(table([["NAME", "STORE", "TAGS", "DESCRIPTION"], ...templates.map(row)]));
  return EXIT_CODES.done;
}

function row({ name, store, tags, description, hidden }: Template): readonly string[] {
  return [name, hidden ? `${store} (hidden)` : store, tags.map(printable).join(", "), printable(description ?? "")];
}

function longText(invocation: Invocation, template: Template): string {
  const { name, store, hidden, description, author, version, tags, createdAt, updatedAt } = template;
  return table([
    ["Template:", name],
    ["Description:", printable(description ?? "none")],
    ["Version:", printable(version)],
    ["Author:", printable(author ?? "unknown")],
    ["Tags:", tags.map(printable).join(", ") || "none"],
    ["Store:", hidden ? `${store}; the project has one of the same name, which wins` : store],
    ["File:", shown(invocation, template)],
    ["Created:", createdAt ?? "unknown"],
    ["Updated:", updatedAt ?? "unknown"],
  ]);
}

function shown({ shell }: Invocation, { file }: Template): string {
  const short = relative(shell.cwd, file);
  return short.startsWith("..") ? file : short;
}

function storeOf({ values }: Invocation): TemplateStore | null {
  const [project, user] = [values.flag("project"), values.flag("user")];
  if (project && user) throw new UsageError("--project and --user are two stores: choose one");
  return project ? "project" : user ? "user" : null;
}

function whereOf({ shell }: Invocation): { readonly env: Invocation["shell"]["env"]; readonly path: string } {
  return { env: shell.env, path: shell.cwd };
}

/** What was asked for is not there, or is there already: the call was right, and failed. */
function refuseFailed(invocation: Invocation, fault: Fault): number {
  refuse(invocation, fault);
  return EXIT_CODES.failed;
}
