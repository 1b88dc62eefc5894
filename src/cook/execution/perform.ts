/** The one switch over commands: each becomes calls of ports, and events that tell how they went. */
import { evaluate, parseExpression, truthy } from "../../workflow/expression.ts";
import type { Compute, Evaluate, UsingValues } from "../decision/command.ts";
import type { EventBody } from "../decision/event.ts";
import { fault } from "../decision/fault.ts";
import { MAIN, type Session } from "../decision/state.ts";
import type { Effect, Performer } from "../orchestrator.ts";
import type { LiveSink, Ports } from "../ports.ts";
import { parseComputed } from "../../workflow/computed-key.ts";
import { interpolate } from "../../workflow/template.ts";
import { performAttempt } from "./attempt.ts";
import { computeValues } from "./compute.ts";
import type { EnvironmentCache } from "./environment-value.ts";
import { beginCall } from "./call.ts";
import { planItems } from "./items.ts";
import { performMapEffect } from "./map-effects.ts";
import { planMap } from "./map-plan.ts";
import { placeOf, Refusal, type Room, settingOf } from "./room.ts";
import { knownScope } from "./scope.ts";
import { readValidation } from "./validation.ts";

export function createPerformer({ ports, live }: { readonly ports: Ports; readonly live: LiveSink }): Performer {
  const cache: EnvironmentCache = { commands: new Map() };
  return {
    announce: (command, session) => announce(command, session, ports),
    perform: (command, session, signal) => perform(command, { ports, live, cache, session, signal, refusal: null }),
  };
}

function announce(command: Effect, session: Session, ports: Ports): EventBody | null {
  if (command.kind !== "attempt" || command.settled !== null) return null;
  const { lane, path, attempt, step, context } = command;
  const { action } = step;
  const logs = ports.logs.name({ lane, sequence: session.starts + 1, label: step.label });
  const isAgent = action.kind === "agent";
  const continues =
    isAgent &&
    ports.agents.canResume(action.agent) &&
    action.settings.onInterrupt !== "restart" &&
    session.order.workflow.agent.onInterrupt !== "restart";
  return {
    type: "attempt-started",
    lane,
    path,
    attempt,
    label: ports.masker.mask(shownLabel(command, session, ports)),
    agentSession: continues ? (command.resume ?? ports.random.uuid()) : null,
    continued: command.resume !== null,
    shared: context.shared,
    logs: isAgent ? [logs.events, logs.stderr] : [logs.stdout, logs.stderr],
  };
}

/** The label with its variables filled in, as far as they are known. */
export function shownLabel(
  command: Effect & { kind: "attempt" },
  session: Session,
  { masker }: Pick<Ports, "masker">,
): string {
  const rendered = interpolate(command.step.label, knownScope(placeOf(command, session), masker));
  return rendered.ok ? (rendered.text.split("\n", 1)[0] ?? "") : command.step.label;
}

async function perform(command: Effect, room: Room): Promise<readonly EventBody[]> {
  const { ports, signal } = room;
  switch (command.kind) {
    case "prepare-lane":
      return prepareLane(command, room);
    case "compute":
      return compute(command, room);
    case "account": {
      const { lane, path, attempt, agent, log } = command;
      return [{ type: "attempt-interrupted", lane, path, attempt, usage: await ports.agents.usageFromLog(agent, log) }];
    }
    case "evaluate":
    case "attempt":
    case "plan-items":
    case "plan-map":
    case "read-validation":
      return performWithValues(command, room);
    case "wait": {
      const { lane, path, attempt, delayMs, until } = command;
      await ports.clock.sleep(Math.max(0, until - ports.clock.now()), signal);
      return signal.aborted ? [] : [{ type: "retry-due", lane, path, attempt, delayMs }];
    }
    case "combine-item":
    case "probe-items":
    case "merge-into":
    case "advance-map":
    case "release-lane":
    case "wait-until":
      return performMapEffect(command, room);
    case "merge-lane":
      return mergeLane(command, room);
    case "remove-lane":
      return removeLane(command, room);
    case "leave-input":
      return leaveInput(command, room);
    case "plan-landing":
    case "ask-landing":
    case "merge-target":
    case "land":
      return performLanding(command, room);
  }
}

async function performWithValues(command: UsingValues, room: Room): Promise<readonly EventBody[]> {
  switch (command.kind) {
    case "evaluate":
      return evaluateWhen(command, room);
    case "attempt":
      return performAttempt(command, room);
    case "plan-items":
      return command.step.action.kind === "call"
        ? beginCall(command, command.step.action, room)
        : planItems(command, room);
    case "plan-map":
      return planMap(command, room);
    case "read-validation":
      return readValidation(command, room);
  }
}

async function compute(command: Compute, room: Room): Promise<readonly EventBody[]> {
  const { lane, path, target } = command;
  const computed = await computeValues(command, room);
  if (computed === "stopped") return [];
  // What cannot be computed fails whatever needed it, in the way in which that fails.
  if (computed instanceof Refusal) return performWithValues(target, { ...room, refusal: computed });
  const remarks = computed.filter(({ key }) => parseComputed(key)?.kind === "env-file").flatMap(({ value }) => value);
  const warned = remarks
    .filter((remark) => typeof remark === "string")
    .map((message): EventBody => ({ type: "warned", lane: null, path: null, message }));
  return [...warned, { type: "values-computed", lane, path, values: computed }];
}

async function prepareLane(command: Effect & { kind: "prepare-lane" }, { ports }: Room): Promise<readonly EventBody[]> {
  const { lane, tree, mode, reason, pool } = command;
  const prepared = await ports.trees.prepare({ lane, tree, mode, reason, pool });
  if (!prepared.ok) return [{ type: "lane-failed", lane, fault: prepared.fault }];
  const { fresh, ...value } = prepared.value;
  return [{ type: "lane-prepared", lane, ...value, ...(pool === undefined ? {} : { fresh }) }];
}

async function evaluateWhen(command: Evaluate, room: Room): Promise<readonly EventBody[]> {
  const { lane, path, step } = command;
  const setting = await settingOf(command, room);
  if (setting === "stopped") return [];
  if (setting instanceof Refusal) return [failedStep(command, setting.fault)];
  const parsed = parseExpression(step.when ?? "true");
  const result = parsed.ok ? evaluate(parsed.expression, setting.fullScope, "when") : parsed;
  if (!result.ok) {
    const { message, help } = result.problem;
    return [
      failedStep(
        command,
        fault(
          "expression",
          `the condition of step "${step.label}" could not be evaluated: when: ${step.when ?? ""}: ${message}`,
          { at: step.at, help },
        ),
      ),
    ];
  }
  if (truthy(result.value)) return [{ type: "step-entered", lane, path }];
  const outcome = {
    status: "skipped" as const,
    exitCode: 0,
    output: "Skipped due to when condition",
    fault: null,
    durationMs: 0,
  };
  return [{ type: "step-ended", lane, path, label: step.label, outcome, set: {} }];
}

function failedStep({ lane, path, step }: Evaluate, reason: ReturnType<typeof fault>): EventBody {
  const outcome = {
    status: "failed" as const,
    exitCode: null,
    output: "",
    fault: { ...reason, at: reason.at ?? step.at },
    durationMs: 0,
  };
  return { type: "step-ended", lane, path, label: step.label, outcome, set: {} };
}

async function mergeLane(command: Effect & { kind: "merge-lane" }, { ports }: Room): Promise<readonly EventBody[]> {
  const { lane, into, from } = command;
  // Commits and salvage are read by others than we.
  const label = ports.masker.mask(command.label);
  const merged = await ports.trees.mergeLane({ lane, from, into, message: `Merge agent ${label}` });
  if (!merged.ok) return [{ type: "lane-failed", lane, fault: merged.fault }];
  const { value } = merged;
  if (value.kind === "conflict") return [{ type: "lane-conflicted", lane, into, paths: value.paths }];
  return [{ type: "lane-merged", lane, into, tree: value.tree, commits: value.commits }];
}

async function removeLane(command: Effect & { kind: "remove-lane" }, { ports }: Room): Promise<readonly EventBody[]> {
  const { lane, target, reason } = command;
  const removed = await ports.trees.remove({ lane, target, reason });
  if (!removed.ok) return [{ type: "lane-failed", lane, fault: removed.fault }];
  const { salvage } = removed.value;
  const kept: EventBody[] =
    salvage === null
      ? []
      : [
          {
            type: "warned",
            lane,
            path: null,
            message: `uncommitted changes were left in the worktree; they are kept as ${salvage} (prodigy salvage show ${salvage})`,
          },
        ];
  return [...kept, { type: "lane-removed", lane, salvage }];
}

async function leaveInput(command: Effect & { kind: "leave-input" }, { ports }: Room): Promise<readonly EventBody[]> {
  const { input, value, to, outcome } = command;
  const reason = ports.masker.mask(`input ${value ?? String(input + 1)} failed`);
  const salvaged = await ports.trees.salvage({ lane: MAIN, to, reason });
  if (!salvaged.ok) return [{ type: "lane-failed", lane: MAIN, fault: salvaged.fault }];
  return [{ type: "input-ended", input, value, outcome, salvage: salvaged.value }];
}

type LandingEffect = Effect & { kind: "plan-landing" | "ask-landing" | "merge-target" | "land" };

async function performLanding(command: LandingEffect, { ports, session, signal }: Room): Promise<readonly EventBody[]> {
  const { base, target, branch } = session.order;
  switch (command.kind) {
    case "plan-landing": {
      const plan = await ports.trees.planLanding({ base, target });
      return [plan.ok ? { type: "landing-planned", ...plan.value } : { type: "landing-refused", fault: plan.fault }];
    }
    case "ask-landing": {
      const answer = await ports.person.confirm(question(command, session), signal);
      return signal.aborted
        ? []
        : [{ type: "landing-answered", answer, by: answer === "nobody" ? "policy" : "person" }];
    }
    case "merge-target": {
      const merged = await ports.trees.mergeTarget({ target: command.target });
      return [
        merged.ok
          ? { type: "target-merged", lane: MAIN, ...merged.value }
          : { type: "landing-refused", fault: merged.fault },
      ];
    }
    case "land": {
      const landed = await ports.trees.land({ target: command.target, message: `Merge branch '${branch}'` });
      if (!landed.ok) return [{ type: "landing-refused", fault: landed.fault }];
      const { value } = landed;
      return [
        value.kind === "landed"
          ? { type: "landed", commit: value.commit, previous: value.previous, how: value.how }
          : { type: "landing-conflicted", paths: value.paths },
      ];
    }
  }
}

function question({ commits, target }: Effect & { kind: "ask-landing" }, { order }: Session): string {
  return `Merge ${order.session} (${String(commits)} commit${commits === 1 ? "" : "s"}) into ${target}?`;
}
