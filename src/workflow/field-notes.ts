/**
 * Defaults and examples of keys, by the name of their table: for the schema and for the reference. Each example is parsed by
 * a test.
 */
import type { Json } from "./model.ts";

export interface FieldNote {
  readonly example: Json;
  /** What holds where the key is left out; absent where nothing does. */
  readonly default?: Json;
}

type Notes = Readonly<Record<string, FieldNote>>;

const STEP: Notes = {
  claude: { example: "/fix-tests ${shell.output}" },
  shell: { example: "npm test" },
  write_file: { example: { path: "report.md", content: "${shell.output}" } },
  foreach: { example: { foreach: "git ls-files '*.rs'", do: [{ claude: "/modernize ${item}" }] } },
  goal_seek: {
    example: { goal: "coverage of 90%", claude: "/improve-coverage", score: "./coverage.sh", threshold: 90 },
  },
  analyze: { example: { max_cache_age: "5m" } },
  commands: { example: [{ shell: "npm ci" }, { shell: "npm test" }] },
  id: { example: "unit-tests" },
  name: { example: "Run the unit tests" },
  description: { example: "They take a minute." },
  when: { example: "${tests_passed} && branch != 'main'" },
  env: { example: { NODE_ENV: "test" } },
  clear_env: { example: true, default: false },
  working_dir: { example: "packages/app" },
  timeout: { example: "10m", default: 0 },
  retry: { example: { attempts: 3, backoff: "exponential", initial_delay: "2s" } },
  capture: { example: "test_result" },
  capture_format: { example: "json", default: "string" },
  capture_streams: { example: "both", default: "stdout" },
  output_file: { example: "logs/tests.txt" },
  commit_required: { example: true, default: false },
  auto_commit: { example: true, default: false },
  outputs: { example: { spec: { file_pattern: "specs/*.md" } } },
  validate: { example: { claude: "/check", threshold: 90, on_incomplete: { claude: "/complete", max_attempts: 2 } } },
  verify: { example: true, default: false },
  on_success: { example: [{ shell: "echo done" }] },
  on_failure: { example: { claude: "/debug ${shell.output}", max_attempts: 3 } },
  on_exit_code: { example: { "2": { shell: "echo nothing to do" } } },
  allow_failure: { example: true, default: false },
  model: { example: "opus" },
  max_turns: { example: 30 },
  max_budget: { example: 2.5 },
  system_prompt: { example: "Change no public names." },
  on_interrupt: { example: "restart", default: "continue" },
};

const COMMON: Notes = {
  name: { example: "nightly" },
  description: { example: "Keeps the debt low." },
  version: { example: "1.2" },
  merge: { example: { commands: [{ shell: "git merge ${merge.target_branch}" }], timeout: "10m" } },
  env: { example: { CI: "true", JOBS: { command: "nproc" } } },
  env_files: { example: [".env"] },
  secrets: { example: { API_TOKEN: { env: "API_TOKEN" } } },
  profiles: { example: { dev: { API_URL: "http://localhost:3000" } } },
  inherit: { example: false, default: true },
  not_secret: { example: ["CACHE_KEY"] },
  parameters: { example: [{ name: "target", type: "string", default: "src" }] },
  retry_defaults: { example: { attempts: 2 } },
  agent: { example: { model: "sonnet", max_budget: 5 } },
  allow_paths_outside: { example: ["/srv/reports"] },
};

const WORKFLOW: Notes = {
  ...COMMON,
  mode: { example: "sequential", default: "sequential" },
  commands: { example: [{ claude: "/implement ${ARG}" }, { shell: "npm test" }] },
};

const POLICY: Notes = {
  on_item_failure: { example: "retry", default: "dlq" },
  continue_on_failure: { example: false, default: true },
  max_failures: { example: 10 },
  failure_threshold: { example: 0.2 },
  min_items: { example: 20, default: 10 },
  error_collection: { example: "batched:10", default: "aggregate" },
  circuit_breaker: { example: { failure_threshold: 5, timeout: "1m" }, default: false },
  retry_config: { example: { attempts: 3 } },
};

const MAPREDUCE: Notes = {
  ...COMMON,
  ...POLICY,
  mode: { example: "mapreduce" },
  setup: { example: [{ shell: "./find-work.sh > items.json" }] },
  map: { example: { input: "items.json", agent_template: [{ claude: "/fix ${item.path}" }] } },
  reduce: { example: [{ claude: "/summarize ${map.results}" }] },
  error_policy: { example: { on_item_failure: "dlq", max_failures: 5 } },
};

const MAP: Notes = {
  ...POLICY,
  input: { example: "items.json" },
  json_path: { example: "$.items[*]" },
  filter: { example: "item.severity == 'high' && item.score >= 5" },
  sort_by: { example: "item.score DESC, item.path" },
  distinct: { example: "item.id" },
  max_items: { example: 50 },
  offset: { example: 10, default: 0 },
  agent_template: { example: [{ claude: "/fix ${item.path}" }, { shell: "npm test" }] },
  max_parallel: { example: 4, default: 10 },
  agent_timeout_secs: { example: "30m" },
  verify: { example: { commands: [{ shell: "npm test" }], batch: 5 } },
  merge: { example: "never", default: "always" },
  auto_commit: { example: true, default: false },
  conflict_policy: { example: "serialize", default: "report" },
  worktree: { example: { setup: [{ shell: "npm ci" }], keep: ["node_modules"] } },
};

const RETRY: Notes = {
  attempts: { example: 5, default: 3 },
  backoff: { example: "fibonacci", default: "exponential" },
  initial_delay: { example: "2s", default: 1 },
  max_delay: { example: "1m", default: 30 },
  jitter: { example: true, default: false },
  jitter_factor: { example: 0.2, default: 0 },
  retry_on: { example: ["network", { exit_code: 75 }] },
  retry_budget: { example: "10m" },
  on_failure: { example: "continue", default: "stop" },
};

const VALIDATE: Notes = {
  shell: { example: "./completeness.sh" },
  claude: { example: "/check-completeness" },
  commands: { example: [{ shell: "npm test" }] },
  result_file: { example: "validation.json" },
  threshold: { example: 90, default: 100 },
  format: { example: "exit_code" },
  timeout: { example: "5m", default: 0 },
  expected_schema: { example: { type: "object", required: ["gaps"] } },
  on_incomplete: { example: { claude: "/complete ${validation.gaps}", max_attempts: 3 } },
};

const WRITE_FILE: Notes = {
  path: { example: "out/report.json" },
  content: { example: "${map.results}" },
  format: { example: "json", default: "text" },
  mode: { example: "0755", default: "0644" },
  create_dirs: { example: true, default: false },
};

const FOREACH: Notes = {
  foreach: { example: ["a.txt", "b.txt"] },
  do: { example: [{ shell: "wc -l ${item}" }] },
  parallel: { example: 4, default: 1 },
  shared: { example: true, default: false },
  max_items: { example: 20 },
  continue_on_error: { example: true, default: false },
};

const GOAL_SEEK: Notes = {
  goal: { example: "no warning is left" },
  claude: { example: "/reduce-warnings" },
  score: { example: "./score.sh" },
  threshold: { example: 95, default: 100 },
  max_attempts: { example: 8, default: 5 },
  timeout: { example: "1h", default: 0 },
  fail_on_incomplete: { example: false, default: true },
};

export const FIELD_NOTES: Readonly<Record<string, Notes>> = {
  "a step": STEP,
  "a workflow": WORKFLOW,
  "a MapReduce workflow": MAPREDUCE,
  map: MAP,
  error_policy: POLICY,
  retry: RETRY,
  validate: VALIDATE,
  write_file: WRITE_FILE,
  foreach: FOREACH,
  goal_seek: GOAL_SEEK,
};
