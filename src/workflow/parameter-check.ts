/** Whether the value of a parameter meets the condition that its declaration has. */
import { evaluate, parseExpression, truthy } from "./expression.ts";
import type { Json, Parameter } from "./model.ts";
import { createScope } from "./scope.ts";

/** What is wrong with a value; null where nothing is. */
export function violation({ name, validation }: Parameter, value: Json): string | null {
  if (validation === null) return null;
  const parsed = parseExpression(validation);
  const scope = createScope([
    { values: { params: { [name]: value }, param: { [name]: value }, [name]: value, value } },
  ]);
  const result = parsed.ok ? evaluate(parsed.expression, scope, "when") : parsed;
  const said = `the parameter "${name}" is ${JSON.stringify(value)}`;
  if (!result.ok) return `${said}, of which its validation cannot tell: ${validation}: ${result.problem.message}`;
  return truthy(result.value) ? null : `${said}, which its validation does not allow: ${validation}`;
}
