/**
 * What happens in a local pipeline, as `runner exec --json` prints it: one object per line. A field
 * never changes its meaning; who reads them ignores types and fields that it does not know.
 */

import { z } from "zod";
import type { EndStatus } from "../pipeline/job_outcome.ts";

const milliseconds = z.number().int().min(0);
const named = z.string().nullable();

/** Fields that all events about one job have. */
const ofJob = {
  job: z.string().describe("full name of the job: `test 1/3`, `build: [linux, x64]`"),
  stage: z.string(),
  pipeline: z.array(z.string())
    .describe("names of the trigger jobs that lead to the job's pipeline; empty for the root"),
};

function event<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.object({
    type: z.literal(type),
    time: z.iso.datetime({ precision: 3 }).describe("when it happened, in UTC"),
    ...shape,
  });
}

export const PipelineStarted = event("pipeline.started", {
  pipeline: ofJob.pipeline,
  source: z.string().describe("`push`, `merge_request_event`, `schedule`…"),
  ref: z.string(),
  sha: z.string(),
  name: named.describe("`workflow:name`"),
  jobs: z.number().int().describe("how many jobs will run"),
});

export const JobCreated = event("job.created", {
  ...ofJob,
  when: z.enum(["on_success", "on_failure", "always", "manual", "delayed"]),
  allow_failure: z.union([z.boolean(), z.object({ exit_codes: z.array(z.number()) })]),
  needs: z.array(z.string()).nullable().describe("null: all jobs of earlier stages"),
});

export const SkipReason = z.enum([
  "rules",
  "manual",
  "not_selected",
  "needs_failed",
  "stage_failed",
  "unsupported",
  "canceled",
]);
export type SkipReason = z.infer<typeof SkipReason>;

export const JobSkipped = event("job.skipped", {
  ...ofJob,
  reason: SkipReason,
  message: z.string(),
});

export const JobStarted = event("job.started", {
  ...ofJob,
  attempt: z.number().int().min(1),
  executor: z.string(),
  image: named,
});

export const JobSection = event("job.section", {
  ...ofJob,
  name: z.string(),
  state: z.enum(["start", "end"]),
});

export const ScriptPart = z.enum(["before_script", "script", "after_script", "hook"]);
export type ScriptPart = z.infer<typeof ScriptPart>;

export const JobCommand = event("job.command", {
  ...ofJob,
  text: z.string().describe("the whole command as it is echoed before it runs, masked"),
  script: ScriptPart,
});

export const JobOutput = event("job.output", {
  ...ofJob,
  text: z.string().describe("one line without its end, masked"),
  source: z.enum(["script", "runner"])
    .describe("`script`: what the job printed; `runner`: what we print into the log"),
  stream: z.enum(["stdout", "stderr"]).nullable().describe("null: both are one pipe"),
  partial: z.boolean().describe("the line had no end yet"),
});

const ended = {
  status: z.enum(["success", "failed", "canceled"]),
  blocked: z.boolean()
    .describe("a manual job that nobody asked for keeps others of the pipeline from running"),
};

/** An end in the words of events, whose readers know three statuses. */
export function endedAs(status: EndStatus) {
  return status === "manual"
    ? { status: "success", blocked: true } as const
    : { status, blocked: false } as const;
}

export const JobFinished = event("job.finished", {
  ...ofJob,
  ...ended,
  exit_code: z.number().int().nullable(),
  failure_reason: named.describe("as GitLab names it"),
  allow_failure: z.boolean().describe("its failure does not fail the pipeline"),
  attempt: z.number().int().min(1),
  duration_ms: milliseconds,
  coverage: z.number().nullable(),
  script: z.enum(["before_script", "script"]).nullable().describe("the part that failed"),
  after_script_exit_code: z.number().int().nullable()
    .describe("null: it did not run; never changes the status"),
  environment: z.object({ name: z.string(), url: named }).nullable(),
});

export const JobKept = event("job.kept", {
  ...ofJob,
  path: z.string().describe("the build directory of the failed attempt, until the next run"),
  container: named.describe("where that directory is; null: on this machine"),
  enter: named.describe("a command that opens a shell in that container, or beside it"),
  remove: named.describe("a command that removes it before the next run does"),
});

export const CacheEvent = event("cache", {
  ...ofJob,
  action: z.enum(["extract", "create", "skip"]),
  key: z.string(),
  path: named.describe("the archive on this machine"),
  files: z.number().int().nullable(),
  bytes: z.number().int().nullable(),
  message: z.string(),
});

export const ArtifactEvent = event("artifact", {
  ...ofJob,
  name: z.string(),
  kind: z.string().describe("`archive`, `dotenv`, `junit`…"),
  path: z.string().describe("on this machine, still there after the run"),
  files: z.number().int().nullable(),
  bytes: z.number().int(),
});

export const WarningEvent = event("warning", {
  message: z.string(),
  keyword: named,
  file: named,
  line: z.number().int().nullable(),
  job: named,
});

export const ErrorEvent = event("error", {
  code: z.enum(["invalid_yaml", "invalid_invocation", "nothing_to_run", "internal"]),
  message: z.string(),
  file: named,
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
});

export const PipelineFinished = event("pipeline.finished", {
  pipeline: ofJob.pipeline,
  ...ended,
  exit_code: z.number().int(),
  duration_ms: milliseconds,
  junit: z.object({
    tests: z.number().int(),
    failures: z.number().int(),
    errors: z.number().int(),
    skipped: z.number().int(),
  }).nullable(),
});

export const ExecEvent = z.discriminatedUnion("type", [
  PipelineStarted,
  JobCreated,
  JobSkipped,
  JobStarted,
  JobSection,
  JobCommand,
  JobOutput,
  JobKept,
  JobFinished,
  CacheEvent,
  ArtifactEvent,
  WarningEvent,
  ErrorEvent,
  PipelineFinished,
]);
export type ExecEvent = z.infer<typeof ExecEvent>;

/** An event before it is stamped with its time. */
export type UntimedEvent = ExecEvent extends infer E ? E extends ExecEvent ? Omit<E, "time"> : never
  : never;
