/** Registered templates: `NAME.yml` and what is said of it in `NAME.meta.json`, in the project's store or in the user's. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fault } from "../cook/decision/fault.ts";
import type { Outcome } from "../cook/ports.ts";
import { FILE_MODE, readJson, replaceFile, replaceJson } from "../storage/atomic.ts";
import { fileFault, ok, reason, systemCode } from "../storage/fault.ts";
import { storageRoot } from "../storage/folders.ts";
import { definedEnv } from "../system/host.ts";
import { TEMPLATE_NAME, templateFolders } from "../system/workflow-files.ts";
import type { Json } from "../workflow/model.ts";
import { isList } from "../workflow/path.ts";
import { EXAMPLE_FILES } from "./template-examples.ts";
import type { Where } from "./where.ts";

export type TemplateStore = "project" | "user";

/** A registered template. */
export interface Template {
  readonly name: string;
  readonly store: TemplateStore;
  readonly file: string;
  /** Whether a template of the project has the same name, which wins. */
  readonly hidden: boolean;
  readonly description: string | null;
  readonly author: string | null;
  readonly version: string;
  readonly tags: readonly string[];
  /** RFC 3339; null where nothing is noted. */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

export interface Registration extends Where {
  readonly file: string;
  readonly name: string;
  /** @default the project's where it has one, else the user's */
  readonly store?: TemplateStore | null;
  readonly description?: string | null;
  readonly author?: string | null;
  readonly version?: string | null;
  readonly tags?: readonly string[];
  /** Whether a template of this name is replaced. @default false */
  readonly replace?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Where a template of this name would lie: what it includes is looked for from there. */
export function templatePlace(
  where: Where & { readonly name: string; readonly store?: TemplateStore | null },
): Outcome<{ readonly path: string; readonly store: TemplateStore }> {
  const { name } = where;
  if (!TEMPLATE_NAME.test(name)) {
    const message = `"${name}" cannot be the name of a template: it has letters, digits, \`_\` and \`-\` only`;
    return { ok: false, fault: fault("input", message, { help: "name it with -n NAME" }) };
  }
  const { project, user, hasProject } = storesOf(where);
  const store = where.store ?? (hasProject ? "project" : "user");
  return ok({ path: join(store === "project" ? project : user, `${name}.yml`), store });
}

/** Copies a file into a store. That it is a workflow has been checked before. */
export async function registerTemplate(registration: Registration): Promise<Outcome<Template>> {
  const { name, file, now, replace = false } = registration;
  const place = templatePlace(registration);
  if (!place.ok) return place;
  const { path, store } = place.value;
  const old = (await listTemplates(registration)).find((one) => one.name === name && one.store === store);
  if (old !== undefined && !replace) {
    const message = `there is a template "${name}" already: ${old.file}`;
    return { ok: false, fault: fault("input", message, { help: "-f replaces it; -n gives this one another name" }) };
  }
  const time = new Date(now).toISOString();
  const meta = {
    description: registration.description ?? old?.description ?? null,
    author: registration.author ?? old?.author ?? null,
    version: registration.version ?? old?.version ?? FIRST_VERSION,
    tags: registration.tags ?? old?.tags ?? [],
    created_at: old?.createdAt ?? time,
    updated_at: time,
  };
  // The project's files belong to everyone who may read the project; the user's own to the user.
  const options = { durable: true, mode: store === "project" ? 0o644 : FILE_MODE };
  try {
    const text = await readFile(resolve(registration.path ?? ".", file), "utf8");
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(old?.file ?? path, text, options);
    await replaceJson(metaFile(path), meta, options);
  } catch (error) {
    return fileFault(`failed to register ${file} as template "${name}": ${reason(error)}`);
  }
  return ok({ name, store, file: old?.file ?? path, hidden: false, ...fromMeta(meta) });
}

/** All templates, those of the project first, each store by name. */
export async function listTemplates(where: Where): Promise<readonly Template[]> {
  const { project, user, hasProject } = storesOf(where);
  const own = hasProject ? await inFolder(project, "project") : [];
  const names = new Set(own.map(({ name }) => name));
  const others = project === user ? [] : await inFolder(user, "user");
  return [...own, ...others.map((one) => ({ ...one, hidden: names.has(one.name) }))];
}

/** The template that a workflow gets by this name. */
export async function findTemplate(
  where: Where & { readonly name: string; readonly store?: TemplateStore | null },
): Promise<Outcome<Template>> {
  const all = await listTemplates(where);
  const found = all.find(({ name, store }) => name === where.name && store === (where.store ?? store));
  if (found !== undefined) return ok(found);
  const help = "prodigy template list shows which there are";
  return { ok: false, fault: fault("input", `there is no template "${where.name}"`, { help }) };
}

export async function deleteTemplate({ name, file }: Template): Promise<Outcome<null>> {
  try {
    await rm(file);
    await rm(metaFile(file), { force: true });
    return ok(null);
  } catch (error) {
    return fileFault(`failed to delete template "${name}": ${reason(error)}`);
  }
}

/** Makes a folder with examples. What is there already stays as it is. */
export async function initTemplates(
  directory: string,
): Promise<Outcome<{ readonly written: readonly string[]; readonly kept: readonly string[] }>> {
  const written: string[] = [];
  const kept: string[] = [];
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, text] of Object.entries(EXAMPLE_FILES)) {
      const isNew = await writeNew(join(directory, name), text);
      (isNew ? written : kept).push(name);
    }
    return ok({ written, kept });
  } catch (error) {
    return fileFault(`failed to make ${directory}: ${reason(error)}`);
  }
}

/** The project's store, which may be missing yet, and the user's. */
export function storesOf({ env, path = "." }: Where): {
  readonly project: string;
  readonly user: string;
  readonly hasProject: boolean;
} {
  const user = join(storageRoot(definedEnv(env)), "templates");
  const [first] = templateFolders(path, storageRoot(definedEnv(env)));
  const hasProject = first !== undefined && first !== user;
  return { project: hasProject ? first : join(projectAround(path), ".prodigy", "templates"), user, hasProject };
}

/** The folder around this one that is a repository, else the folder itself. */
function projectAround(path: string): string {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return resolve(path);
  }
}

const FIRST_VERSION = "1.0.0";

async function inFolder(folder: string, store: TemplateStore): Promise<readonly Template[]> {
  let files: readonly string[];
  try {
    files = (await readdir(folder)).toSorted();
  } catch {
    return []; // There is no store yet.
  }
  const found: Template[] = [];
  for (const entry of files) {
    const name = entry.replace(/\.ya?ml$/u, "");
    if (name === entry || !TEMPLATE_NAME.test(name)) continue;
    // The one with the shorter ending is taken by workflows, too.
    if (entry.endsWith(".yaml") && files.includes(`${name}.yml`)) continue;
    const file = join(folder, entry);
    const meta = await readJson(metaFile(file));
    found.push({ name, store, file, hidden: false, ...fromMeta(meta.ok ? meta.value : null) });
  }
  return found;
}

function metaFile(file: string): string {
  return file.replace(/\.ya?ml$/u, ".meta.json");
}

/** What the metadata say; what they do not say, or say wrongly, is unknown. */
function fromMeta(meta: Json): Omit<Template, "name" | "store" | "file" | "hidden"> {
  const said = new Map(typeof meta === "object" && meta !== null && !isList(meta) ? Object.entries(meta) : []);
  const text = (key: string): string | null => {
    const value = said.get(key);
    return typeof value === "string" ? value : null;
  };
  const tags = said.get("tags");
  return {
    description: text("description"),
    author: text("author"),
    version: text("version") ?? FIRST_VERSION,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
    createdAt: text("created_at"),
    updatedAt: text("updated_at"),
  };
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}
