import { mapTexts, type Script, type ScriptMatcher, type ScriptRule } from "./script.ts";

/** The first rule that fits the prompt, its `{{...}}` filled in; null when none does. */
export function chooseRule(script: Script, prompt: string): ScriptRule | null {
  for (const rule of script.rules) {
    const values = match(rule.when, prompt);
    if (values === null) continue;
    const fill = (text: string): string =>
      text.replaceAll(/\{\{(\w+)\}\}/g, (whole, key: string) => values.get(key) ?? whole);
    return { ...rule, steps: rule.steps.map((step) => ({ ...step, action: mapTexts(step.action, fill) })) };
  }
  return null;
}

/** What the parts of the prompt are called; null when it does not fit. */
function match(when: ScriptMatcher, prompt: string): ReadonlyMap<string, string> | null {
  const values = new Map([["prompt", prompt]]);
  if (when.contains !== null && !prompt.includes(when.contains)) return null;
  if (when.command !== null) {
    const [, name, args = ""] = /^\/(\S+)\s*(.*)$/s.exec(prompt.trim()) ?? [];
    if (name !== when.command) return null;
    values.set("args", args);
    for (const [index, word] of args.split(/\s+/).entries()) values.set(String(index + 1), word);
  }
  if (when.matches !== null) {
    const hit = when.matches.exec(prompt);
    if (hit === null) return null;
    for (const [index, group] of hit.slice(1).entries()) values.set(String(index + 1), group ?? "");
    for (const [name, group] of Object.entries(hit.groups ?? {})) values.set(name, group ?? "");
  }
  return values;
}
