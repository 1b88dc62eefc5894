import { expect, test } from "vitest";
import { changesOf, FAULT, testOrder, testWorkflow } from "../../test/kit/session-events.ts";
import type { EventBody } from "./decision/event.ts";
import { evolve } from "./decision/evolve.ts";
import type { Session, State } from "./decision/state.ts";
import { planResume } from "./resume-plan.ts";

function sessionAfter(...events: readonly EventBody[]): Session {
  let state: State = { kind: "none" };
  const start: EventBody = { type: "session-started", order: testOrder("session-1") };
  for (const event of [start, ...events]) state = evolve(state, { ...event, at: 0 });
  if (state.kind === "none") throw new Error("no session");
  return state;
}

const PLANNED = {
  type: "landing-planned" as const,
  commits: 1,
  changes: changesOf("a"),
  leftovers: [],
  obstacle: null,
};
const RESUME = { by: "resume" as const, workflow: null };

test.each(["declined", "not-landed"] as const)("a session whose merge is %s is asked to land again", (landing) => {
  const answer = landing === "declined" ? ("no" as const) : ("nobody" as const);
  const session = sessionAfter(
    PLANNED,
    { type: "landing-answered", answer, by: "person" },
    { type: "session-ended", landing, failedInputs: 0 },
  );
  expect(planResume(session, RESUME)).toEqual({ ok: true, value: [{ type: "landing-requested", by: "resume" }] });
});

test("a session that has landed has nothing to resume and says into what it was merged", () => {
  const session = sessionAfter(
    PLANNED,
    { type: "landing-answered", answer: "yes", by: "flag" },
    { type: "landed", commit: "c", previous: "p", how: "fast-forward" },
    { type: "session-ended", landing: "landed", failedInputs: 0 },
  );
  expect(planResume(session, RESUME)).toMatchObject({
    ok: false,
    fault: { message: "session session-1 has ended and was merged into main: there is nothing to resume" },
  });
});

test("a failed or paused session goes on; with an edited workflow it takes that", () => {
  const failed = sessionAfter({ type: "session-failed", fault: FAULT, path: null });
  const workflow = testWorkflow(3);
  expect(planResume(failed, RESUME)).toEqual({ ok: true, value: [] });
  expect(planResume(failed, { by: "resume", workflow })).toEqual({
    ok: true,
    value: [{ type: "workflow-changed", workflow }],
  });
});

test("worktree merge does not run what is left of a session", () => {
  const failed = sessionAfter({ type: "session-failed", fault: FAULT, path: null });
  expect(planResume(failed, { by: "worktree merge", workflow: null })).toMatchObject({
    ok: false,
    fault: { help: "go on with it first: prodigy resume session-1" },
  });
});
