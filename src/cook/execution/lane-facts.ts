/** What a lane has that no other lane at the same time has: a number, ports, a folder. */
import type { ScopeLayer } from "../../workflow/scope.ts";
import { type Lane, MAIN } from "../decision/state.ts";
import type { HostPort } from "../ports.ts";

export interface LaneFacts {
  readonly number: number;
  /** The first of ten; null where none can be had. */
  readonly port: number | null;
  /** The main lane has no need of one. */
  readonly scratch: string | null;
}

const PORTS = 10;

/**
 * Null for the lanes of a loop, which have no worktree of the pool. Ports are held by a socket, and nothing of ours listens
 * without need: in the main lane only a step that speaks of them has any.
 */
export async function laneFacts(
  { id, slot }: Lane,
  { host, text }: { readonly host: Pick<HostPort, "portsFor">; readonly text: string },
): Promise<LaneFacts | null> {
  if (slot === null && id !== MAIN) return null;
  const number = slot?.number ?? 0;
  const isAsked = slot !== null || /lane\.ports?\b|PRODIGY_LANE_PORT/.test(text);
  return { number, port: isAsked ? await host.portsFor(number) : null, scratch: slot?.scratch ?? null };
}

/** `lane.number`, `lane.port`, `lane.ports`, `lane.scratch`. */
export function laneLayer(facts: LaneFacts | null): ScopeLayer {
  if (facts === null) return { values: {} };
  const { number, port, scratch } = facts;
  const ports = port === null ? {} : { "lane.port": port, "lane.ports": rangeFrom(port) };
  return { values: { "lane.number": number, ...ports, ...(scratch === null ? {} : { "lane.scratch": scratch }) } };
}

/** The same for programs. */
export function laneEnvironment(facts: LaneFacts | null): Readonly<Record<string, string>> {
  if (facts === null) return {};
  const { number, port, scratch } = facts;
  return {
    PRODIGY_LANE: String(number),
    ...(port === null ? {} : { PRODIGY_LANE_PORT: String(port) }),
    ...(scratch === null ? {} : { PRODIGY_LANE_SCRATCH: scratch }),
  };
}

function rangeFrom(first: number): readonly number[] {
  return Array.from({ length: PORTS }, (_, index) => first + index);
}
