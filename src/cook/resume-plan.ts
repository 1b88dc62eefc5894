/** Whether there is anything left to do for a session, and what is to be added to its journal before it goes on. */
import type { Workflow } from "../workflow/model.ts";
import type { EventBody, Fault } from "./decision/event.ts";
import { fault } from "./decision/fault.ts";
import type { Session } from "./decision/state.ts";
import type { Outcome } from "./ports.ts";

export interface ResumeWish {
  /** `worktree merge` wants nothing but the landing of what is finished. */
  readonly by: "resume" | "worktree merge";
  /** The edited workflow; null to go on with the one that the journal holds. */
  readonly workflow: Workflow | null;
}

export function planResume(session: Session, wish: ResumeWish): Outcome<readonly EventBody[]> {
  const id = session.order.session;
  if (session.status === "ended") {
    if (isLandable(session)) return { ok: true, value: [{ type: "landing-requested", by: wish.by }] };
    return refused(`session ${id} has ended${howItEnded(session)}: there is nothing to ${verb(wish)}`, seeAlso(id));
  }
  if (wish.by === "worktree merge") {
    return refused(
      `session ${id} has not come to its end (it is ${session.status}), so there is nothing to merge yet`,
      `go on with it first: prodigy resume ${id}`,
    );
  }
  return { ok: true, value: wish.workflow === null ? [] : [{ type: "workflow-changed", workflow: wish.workflow }] };
}

/** A process died between making the journal and its first event: there is nothing to go on with. */
export function neverBegan(session: string): Fault {
  const help = "run the workflow again: prodigy run WORKFLOW";
  return fault("file", `session ${session} never began: its journal is empty`, { help });
}

/** There is nobody who could hear a request to stop. */
export function notRunning(session: string): Fault {
  const help = `see how it stands: prodigy sessions show ${session}`;
  return fault("file", `session ${session} is not running`, { help });
}

/** Whether the session is finished but for its merge. */
export function isLandable({ status, landing }: Pick<Session, "status" | "landing">): boolean {
  return (
    status === "ended" &&
    landing.kind === "settled" &&
    (landing.result === "declined" || landing.result === "not-landed")
  );
}

function howItEnded({ landing, order }: Session): string {
  if (landing.kind !== "settled") return "";
  return landing.result === "landed"
    ? ` and was merged into ${order.target ?? "its branch"}`
    : " without commits to merge";
}

function verb({ by }: ResumeWish): string {
  return by === "resume" ? "resume" : "merge";
}

function seeAlso(id: string): string {
  return `look at it with: prodigy sessions show ${id}`;
}

function refused(message: string, help: string): Outcome<never> {
  return { ok: false, fault: fault("landing", message, { help }) };
}
