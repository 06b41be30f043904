/** What has happened in a run so far, as far as people want to read it afterwards. */

import type { EndStatus } from "../../pipeline/job_outcome.ts";
import type { SkipReason } from "../../pipeline/select.ts";
import type { ExecEvent } from "../events.ts";

export interface JobHistory {
  /** With the names of the trigger jobs above its pipeline: `deploy > smoke`. */
  readonly label: string;
  readonly stage: string;
  state: "waiting" | "running" | "skipped" | EndStatus;
  /** Why it was skipped, or else empty. */
  why: string;
  startedAt: number;
  /** Of all attempts. */
  durationMs: number;
  attempt: number;
  allowed: boolean;
  exitCode: number | null;
  failureReason: string | null;
  /** The command that was echoed last. */
  command: string | undefined;
  /** What was printed last. */
  line: string;
  /** The end of what the script of the last attempt printed. */
  readonly lastLines: string[];
  /** The section of the runner that it is in, or was in last. */
  section: string;
  /** The end of what was said in the last section before the script: by git, for example. */
  readonly preparation: string[];
  /** What the runner had to say about its failure. */
  readonly errors: string[];
  /** Build directories of attempts that failed. */
  readonly kept: string[];
}

const PREPARATION = /^(?:prepare_\w+|get_sources|restore_cache|download_artifacts)$/;

/** Enough to see what failed without opening a log. */
const LAST_LINES = 20;

/** Those that rules leave out, or nobody asked for, are not missed; nor is any when all is stopped. */
const MISSED: readonly SkipReason[] = ["manual", "needs_failed", "stage_failed", "unsupported"];

export class RunHistory {
  readonly #jobs = new Map<string, JobHistory>();

  get jobs(): readonly JobHistory[] {
    return [...this.#jobs.values()];
  }

  of(
    event: { readonly job: string; readonly pipeline: readonly string[] },
  ): JobHistory | undefined {
    return this.#jobs.get(labelOf(event));
  }

  take(event: ExecEvent): void {
    const isMissed = event.type === "job.skipped" && MISSED.includes(event.reason);
    if (event.type === "job.created" || (isMissed && this.of(event) === undefined)) {
      this.#jobs.set(labelOf(event), newJob(labelOf(event), event.stage));
    }
    if (!("pipeline" in event) || !("job" in event)) return;
    const job = this.of(event);
    if (job !== undefined) takeOf(job, event);
  }
}

export function labelOf(event: { readonly job: string; readonly pipeline: readonly string[] }) {
  return [...event.pipeline, event.job].join(" > ");
}

function newJob(label: string, stage: string): JobHistory {
  return {
    label,
    stage,
    state: "waiting",
    why: "",
    startedAt: 0,
    durationMs: 0,
    attempt: 1,
    allowed: false,
    exitCode: null,
    failureReason: null,
    command: undefined,
    line: "",
    lastLines: [],
    section: "",
    preparation: [],
    errors: [],
    kept: [],
  };
}

function takeOf(job: JobHistory, event: ExecEvent): void {
  switch (event.type) {
    case "job.started":
      job.state = "running";
      job.startedAt = performance.now();
      job.attempt = event.attempt;
      job.command = undefined;
      job.line = "";
      job.lastLines.length = job.preparation.length = job.errors.length = 0;
      return;
    case "job.command":
      if (event.script !== "after_script") job.command = event.text;
      print(job, `$ ${event.text}`);
      return;
    case "job.output":
      if (event.source === "script") print(job, event.text);
      else if (/^(?:ERROR|WARNING): /.test(event.text)) job.errors.push(event.text);
      else if (PREPARATION.test(job.section)) keep(job.preparation, event.text);
      return;
    case "job.section":
      if (event.state === "end") return;
      job.section = event.name;
      if (PREPARATION.test(event.name) || event.name.startsWith("step_")) {
        job.preparation.length = 0;
      }
      return;
    case "job.kept":
      job.kept.push(
        event.enter === null
          ? event.path
          : `${event.enter}\n  removed by the next run, or by ${event.remove}`,
      );
      return;
    case "job.skipped":
      if (!MISSED.includes(event.reason)) return;
      job.state = "skipped";
      job.why = event.message;
      return;
    case "job.finished":
      // Canceled before its turn has come: it has not begun.
      if (job.state === "waiting" && event.status === "canceled") return;
      job.state = event.blocked ? "manual" : event.status;
      job.durationMs += event.duration_ms;
      job.allowed = event.allow_failure;
      job.exitCode = event.exit_code;
      job.failureReason = event.failure_reason;
      if (event.script === null) job.command = undefined;
      return;
    default:
  }
}

/** What `after_script` prints says nothing of a failure, and would push away what does. */
function print(job: JobHistory, line: string): void {
  job.line = line;
  if (job.section !== "after_script") keep(job.lastLines, line);
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > LAST_LINES) lines.shift();
}
