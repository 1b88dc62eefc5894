import type { Expression } from "./expression-model.ts";
import type { Reference } from "./reference.ts";

/**
 * The variables that an expression needs. Those whose absence is asked for (`exists`, `is_null`), have a default or may be
 * a mere word are not among them.
 */
export function neededPaths(expression: Expression): readonly Reference[] {
  switch (expression.kind) {
    case "value":
    case "template":
      return [];
    case "reference":
    case "path":
      return isNeeded(expression) ? [expression.reference] : [];
    case "list":
      return expression.items.flatMap(neededPaths);
    case "not":
    case "negate":
      return neededPaths(expression.operand);
    case "all":
    case "any":
      return expression.operands.flatMap(neededPaths);
    case "compare":
    case "arithmetic":
      return [...neededPaths(expression.left), ...neededPaths(expression.right)];
    case "call":
      return ASKING.has(expression.name) ? [] : expression.operands.flatMap(neededPaths);
  }
}

const ASKING: ReadonlySet<string> = new Set(["exists", "is_null", "is_not_null"]);

function isNeeded(node: Extract<Expression, { kind: "reference" | "path" }>): boolean {
  const { parts, fallback, filters } = node.reference;
  if (node.kind === "path" && node.word !== null) return false;
  return fallback === null && parts.at(-1) !== "exists" && !filters.some(({ name }) => name === "default");
}
