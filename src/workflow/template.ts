import type { Json } from "./model.ts";
import { formatPath, isList, isRecord, type PathPart } from "./path.ts";
import { nearest, type Problem } from "./problem.ts";
import { type Reference, referenceName, resolveReference } from "./reference.ts";
import { KNOWN_NAMESPACES, type Scope } from "./scope.ts";
import { parse, type ParsedTemplate, type Template, type TemplatePart } from "./template-parse.ts";
import { toText } from "./values.ts";

export interface RenderOptions {
  /**
   * What becomes of `${NAME:-x}` when NAME is not ours. In a `script` the shell decides, so it stays; in a `prompt`
   * (and in all that no shell reads) it is `x`; in an `operand` of an expression even a missing `${NAME}` is empty.
   * @default "script"
   */
  readonly target?: "script" | "prompt" | "operand";
  /**
   * Whether `$1` to `$9` and `${1}` are positional arguments. Off, so that `awk '{print $1}'` works.
   * @default false
   */
  readonly positional?: boolean;
}

export type Rendered =
  | {
      readonly ok: true;
      readonly text: string;
      readonly used: readonly string[];
      /** Placeholders that stayed as they were, because no variable has such a name. */
      readonly left: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Finds the references in a text. It fails only for what is certainly ours and cannot be meant as it stands. */
export function parseTemplate(text: string): ParsedTemplate {
  return parse(text);
}

/** Fills a template. All problems are reported at once; names that are not ours stay byte for byte. */
export function renderTemplate(template: Template, scope: Scope, options: RenderOptions = {}): Rendered {
  const rendering: Rendering = {
    scope,
    target: options.target ?? "script",
    positional: options.positional ?? false,
    used: new Set(),
    left: new Set(),
    problems: [],
  };
  const text = renderParts(template, rendering);
  if (rendering.problems.length > 0) return { ok: false, problems: rendering.problems };
  return { ok: true, text, used: [...rendering.used], left: [...rendering.left] };
}

/** Parses and fills in one go. */
export function interpolate(text: string, scope: Scope, options: RenderOptions = {}): Rendered {
  const parsed = parseTemplate(text);
  return parsed.ok ? renderTemplate(parsed.template, scope, options) : { ok: false, problems: [parsed.problem] };
}

/** The names that a template would look up, ours and the shell's alike, each once. */
export function listReferences(template: Template): readonly string[] {
  const names = template.parts.flatMap((part) => {
    switch (part.kind) {
      case "text":
        return [];
      case "name":
        return part.escaped ? [] : [part.name];
      case "position":
        return [String(part.position)];
      case "reference":
        return part.escaped
          ? []
          : [referenceName(part.reference), ...(part.fallback === null ? [] : listReferences(part.fallback))];
    }
  });
  return [...new Set(names)];
}

type Part<Kind extends TemplatePart["kind"]> = Extract<TemplatePart, { kind: Kind }>;

interface Rendering {
  readonly scope: Scope;
  readonly target: "script" | "prompt" | "operand";
  readonly positional: boolean;
  readonly used: Set<string>;
  readonly left: Set<string>;
  readonly problems: Problem[];
}

function renderParts(template: Template, rendering: Rendering): string {
  return template.parts.map((part) => renderPart(part, rendering)).join("");
}

function renderPart(part: TemplatePart, rendering: Rendering): string {
  switch (part.kind) {
    case "text":
      return part.text;
    case "name":
      return renderName(part, rendering);
    case "position": {
      const found = rendering.positional ? rendering.scope.lookup(["args", part.position - 1]) : null;
      if (found === null || !found.found) return part.raw;
      rendering.used.add(String(part.position));
      return toText(found.value);
    }
    case "reference":
      return part.escaped ? renderEscaped(part, rendering) : renderReference(part, rendering);
  }
}

function renderName(part: Part<"name">, rendering: Rendering): string {
  const { scope, target } = rendering;
  const found = scope.has(part.name) ? scope.lookup([part.name]) : null;
  const ours = found?.found === true && !isShellName(part.name, found.value);
  // A shell takes the backslash away itself; where none reads the text, we do.
  if (part.escaped) return ours && target !== "script" ? `$${part.name}` : `\\$${part.name}`;
  if (!ours) return `$${part.name}`;
  rendering.used.add(part.name);
  return toText(found.value);
}

/** `\${x}` is our escape only where `${x}` would be ours: in a script the shell knows the same escape. */
function renderEscaped(part: Part<"reference">, rendering: Rendering): string {
  const found =
    resolveReference(part.reference, rendering.scope).found && !isShellReference(part.reference, rendering.scope);
  return found || rendering.target !== "script" || isOurs(part.reference, rendering.scope) ? part.raw : `\\${part.raw}`;
}

function renderReference(part: Part<"reference">, rendering: Rendering): string {
  const { scope, target } = rendering;
  const { reference, fallback } = part;
  const resolved = resolveReference(reference, scope);
  if (resolved.found && !isShellReference(reference, scope)) {
    rendering.used.add(referenceName(reference));
    return valueText(resolved.value, reference);
  }
  const ours = isOurs(reference, scope);
  if (fallback !== null && (ours || target !== "script")) return renderParts(fallback, rendering);
  if (ours && !resolved.found) {
    rendering.problems.push(unknownName(part, reference, resolved.available));
    return "";
  }
  if (target === "operand") return "";
  if (fallback === null || reference.fallback === null) {
    rendering.left.add(part.raw);
    return part.raw;
  }
  const head = part.raw.slice(0, part.raw.length - reference.fallback.text.length - 1);
  return `${head}${renderParts(fallback, rendering)}}`;
}

/** Whether a missing name is a mistake of the author rather than a variable of the shell. */
function isOurs(reference: Reference, scope: Scope): boolean {
  const root = reference.parts[0];
  if (typeof root !== "string") return false;
  if (/^(?:file|cmd|date):/.test(root)) return true;
  if (reference.filters.length > 0) return reference.dotted || reference.fallback === null;
  if (reference.parts.length === 1) return false;
  return scope.has(root) || (reference.dotted && scope.namespaces.has(root));
}

function isShellReference(reference: Reference, scope: Scope): boolean {
  const root = reference.parts[0];
  if (reference.parts.length > 1 || reference.filters.length > 0 || typeof root !== "string") return false;
  const found = scope.lookup([root]);
  return found.found && isShellName(root, found.value);
}

/** A namespace that stands alone and holds a structure is never meant: `$test` is then the shell's own variable. */
function isShellName(name: string, value: Json): boolean {
  const namespace = Object.hasOwn(KNOWN_NAMESPACES, name) ? KNOWN_NAMESPACES[name] : undefined;
  return namespace !== undefined && !namespace.whole && isRecord(value);
}

/** Lists of files go into command lines, so they are separated by spaces; other lists by a comma and a space. */
function valueText(value: Json, reference: Reference): string {
  const last: PathPart | undefined = reference.parts.at(-1);
  const filter = reference.filters.at(-1)?.name;
  const name = reference.parts.length > 1 && typeof last === "string" ? last : "";
  const isFiles = filter === "glob" || filter === "pattern" || FILE_LISTS.test(name);
  // A list that can hold nothing but texts is no text when it is empty; of any other nobody knows, and `[]` is its JSON.
  if (isList(value) && value.length === 0 && (isFiles || TEXT_LISTS.test(name))) return "";
  return toText(value, isFiles ? " " : ", ");
}

const FILE_LISTS = /^(?:files|[a-z]+_files|files_[a-z]+)$/;
const TEXT_LISTS = /^(?:missing|incomplete_specs|implemented|commit_ids|file_list)$/;

/** A message can name this many; the rest would hide them. */
const MAX_LISTED = 8;

function unknownName(part: Part<"reference">, reference: Reference, available: readonly string[]): Problem {
  const name = formatPath(reference.parts);
  const near = nearest(name, available);
  const listed = available.slice(0, MAX_LISTED).join(", ");
  const known = available.length === 0 ? "" : `known here: ${listed}${available.length > MAX_LISTED ? ", ..." : ""}; `;
  return {
    message: `${part.raw} is not known at this point`,
    offset: part.offset,
    length: part.raw.length,
    help: `${near === null ? known : `did you mean \${${near}}? `}write \${${name}:-text} for a default, $\${${name}} for the text itself`,
  };
}
