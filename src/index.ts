/**
 * Prodigy as a library: the same calls that the command line makes. Nothing here prints, reads `process.env` or ends the
 * process. What the world does wrong comes back as a `Fault`; what is thrown is a bug.
 */
export {
  mergeWorktree,
  requestStop,
  type ResumeOptions,
  resumeSession,
  type RunOptions,
  runWorkflow,
} from "./api/run.ts";
export {
  continueEarlier,
  type ContinueOptions,
  type EarlierDetail,
  listOrphans,
  readEarlierSession,
  removeOrphans,
} from "./api/earlier.ts";
export { requestRetry, retryDeadLetters, type RetryOptions } from "./api/dead-letter-retry.ts";
export { type DeadLetterQueue, readDeadLetters, removeDeadLetters } from "./api/dead-letters.ts";
export { showableLines, writeFixedFile } from "./api/fix-file.ts";
export { followProgress, type Progress, type ProgressOptions, readProgress } from "./api/progress.ts";
export { hideSecrets } from "./api/secrets.ts";
export {
  deleteSession,
  followEvents,
  listSessions,
  readEvents,
  readSession,
  readSessionWorkflow,
  type SessionDetail,
  type SessionWorkflow,
  verifySession,
} from "./api/sessions.ts";
export {
  deleteTemplate,
  findTemplate,
  initTemplates,
  listTemplates,
  registerTemplate,
  type Registration,
  storesOf,
  type Template,
  templatePlace,
  type TemplateStore,
} from "./api/templates.ts";
export type { Where } from "./api/where.ts";
export { readWorkflow, type WorkflowRead } from "./api/workflow.ts";
export { cleanWorktrees, listWorktrees, openSalvage } from "./api/worktrees.ts";
export type { EventBody, Fault, MapEvent, PauseReason, Recorded, SessionOrder, Usage } from "./cook/decision/event.ts";
export { isMapEvent } from "./cook/decision/event.ts";
export type { Session } from "./cook/decision/state.ts";
export { everyStep } from "./cook/needs.ts";
export { parseParameters } from "./cook/parameters.ts";
export type { LiveSink, Outcome } from "./cook/ports.ts";
export type { RunResult } from "./cook/run-result.ts";
export { isTopLevel, openTally, placeOf, type Problem, type Tally } from "./cook/tally.ts";
export type { Watching } from "./cook/watching.ts";
export type { Amendment } from "./dead-letters/again.ts";
export {
  analyzeLetters,
  type LetterAnalysis,
  type LetterStats,
  lettersCsv,
  letterStats,
} from "./dead-letters/analysis.ts";
export { typeText } from "./dead-letters/classify.ts";
export type { DeadLetter } from "./dead-letters/letter.ts";
export { chooseLetters, type LetterWish } from "./dead-letters/select.ts";
export type { Checked } from "./storage/upkeep.ts";
export { matchFiles } from "./system/match-files.ts";
export {
  type Board,
  boardFrom,
  countOf,
  endedOf,
  forecastOf,
  leftOf,
  NO_BOARD,
  type OpenItem,
  watchMap,
} from "./unified-session/cook-board.ts";
export type { SessionEntry, SessionList } from "./unified-session/find.ts";
export type { UnifiedSession } from "./unified-session/state.ts";
export { version } from "./version.ts";
export { type Diagnostic, renderDiagnostic } from "./workflow/diagnostic.ts";
export { parseDuration } from "./workflow/duration.ts";
export type { Json, MapInput, Parameter, SourceLocation, Step, Workflow } from "./workflow/model.ts";
export { fixWorkflow } from "./workflow/fix.ts";
export { workflowJsonSchema } from "./workflow/json-schema.ts";
export { parseWorkflow } from "./workflow/parse.ts";
export { printWorkflow } from "./workflow/print.ts";
export { type PartSource, resolveWorkflow } from "./workflow/resolved.ts";
export type { Cleaned, WorktreeInfo } from "./worktree/manager.ts";
export type { SalvageRoom } from "./worktree/salvage-room.ts";
export type { SalvageContent, SalvageEntry } from "./worktree/salvage-store.ts";
