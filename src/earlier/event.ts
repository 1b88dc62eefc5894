/** Events as earlier Prodigies wrote them, in one form. Pure. */
import type { Json } from "../workflow/model.ts";
import { type JsonObject, objectOf, textOf, timeOf } from "./fields.ts";

export interface EarlierEvent {
  /** In words with underscores, such as `agent_started`. */
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly at: number | null;
  readonly job: string | null;
  readonly fields: JsonObject;
}

/**
 * One line of an event file. It is a record around an event that names its type, or the event alone under its type as
 * the key, `{"JobStarted": {...}}`.
 */
export function earlierEvent(json: Json): EarlierEvent | { readonly problem: string } {
  const record = objectOf(json);
  if (record === null) return { problem: "it is not an object" };
  const nested = objectOf(record["event"]);
  const outerTime = timeOf(record["timestamp"]);
  const tagged = textOf((nested ?? record)["event_type"]);
  if (tagged !== null) return eventOf(tagged, nested ?? record, outerTime);
  const [entry] = Object.entries(nested ?? record).filter(([name]) => /^[A-Z][A-Za-z]+$/.test(name));
  const fields = objectOf(entry?.[1]);
  return entry === undefined || fields === null
    ? { problem: "it has no event_type" }
    : eventOf(entry[0], fields, outerTime);
}

function eventOf(name: string, fields: JsonObject, outerTime: number | null): EarlierEvent {
  const { event_type: _type, ...rest } = fields;
  return {
    type: typeOf(name),
    at: outerTime ?? timeOf(fields["timestamp"]),
    job: textOf(fields["job_id"]),
    fields: rest,
  };
}

/** `DLQItemAdded`, `d_l_q_item_added` and `dlq_item_added` are one and the same. */
function typeOf(name: string): string {
  const words = name
    .replace(/DLQ/g, "Dlq")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();
  return words.replace(/^d_l_q_/, "dlq_");
}
