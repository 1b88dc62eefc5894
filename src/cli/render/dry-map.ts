/** What a dry run tells of a map. Part of `dry-run.ts`. */
import type { MapInput, Recorded, SessionOrder } from "../../index.ts";
import { plural } from "./format.ts";

const SHOWN = 5;

export function mapPlanned(event: Recorded & { readonly type: "map-planned" }, order: SessionOrder): readonly string[] {
  const action = order.workflow.steps.flatMap(({ action: own }) => (own.kind === "map" ? [own] : []))[0];
  const { items } = event;
  if (action === undefined) return [`Would run the steps below for ${plural(items.length, "item")}`];
  const isKnown = items[0]?.id !== "<item>";
  const parallel = `${action.maxParallel} at once`;
  const { filter, sortBy } = action.select;
  const merges = action.merge
    ? `Would merge what each item commits into ${order.branch}`
    : "Would not merge what the items commit (merge: false)";
  return [
    isKnown
      ? `Map: ${plural(items.length, "item")} as the files are now, ${parallel}`
      : `Map: ${unknown(action.input)}, ${parallel}`,
    ...(isKnown ? items.slice(0, SHOWN).map(({ id }) => `  - ${id}`) : []),
    ...(isKnown && items.length > SHOWN ? [`  - and ${plural(items.length - SHOWN, "more item")}`] : []),
    ...(filter === null ? [] : [`Only items for which ${filter}`]),
    ...(sortBy === null ? [] : [`In the order of ${sortBy}`]),
    merges,
    ...(items.length === 0 ? [] : [`Would run these steps for each item${isKnown ? ", here with the first" : ""}:`]),
  ];
}

function unknown(input: MapInput): string {
  switch (input.kind) {
    case "command":
      return `the items are what this command lists: ${input.script}`;
    case "auto":
      return `the items are in this file, or what this command lists: ${input.text}`;
    case "file":
      return `the items are in ${input.path}, which is not there or not JSON now`;
    case "glob":
      return `the items are the files that match ${input.patterns.join(", ")}`;
    case "items":
    case "planned":
      return "the items are in the workflow";
  }
}

/** The first item stands for all others. */
export function isOfOtherItem(lane: string): boolean {
  return /\/item-[1-9]\d*$/.test(lane);
}
