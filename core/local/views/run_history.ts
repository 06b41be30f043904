/** What has happened in a run so far, as far as people want to read it afterwards. */

import type { ExecEvent, JobStatus } from "../events.ts";

export interface JobHistory {
  /** With the names of the trigger jobs above its pipeline: `deploy > smoke`. */
  readonly label: string;
  readonly stage: string;
  state: "waiting" | "running" | JobStatus;
  startedAt: number;
  /** Of all attempts. */
  durationMs: number;
  attempt: number;
  allowed: boolean;
  exitCode: number | null;
  failureReason: string | null;
  /** The command that was echoed last. */
  command: string | undefined;
  /** The end of what the last attempt printed. */
  readonly lastLines: string[];
  /** What the runner had to say about its failure. */
  readonly errors: string[];
  /** Build directories of attempts that failed. */
  readonly kept: string[];
}

/** Enough to see what failed without opening a log. */
const LAST_LINES = 20;

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
    if (event.type === "job.created") {
      this.#jobs.set(labelOf(event), newJob(labelOf(event), event.stage));
      return;
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
    startedAt: 0,
    durationMs: 0,
    attempt: 1,
    allowed: false,
    exitCode: null,
    failureReason: null,
    command: undefined,
    lastLines: [],
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
      job.lastLines.length = job.errors.length = 0;
      return;
    case "job.command":
      if (event.script !== "after_script") job.command = event.text;
      keep(job, `$ ${event.text}`);
      return;
    case "job.output":
      if (event.source === "script") keep(job, event.text);
      else if (/^(?:ERROR|WARNING): /.test(event.text)) job.errors.push(event.text);
      return;
    case "job.kept":
      job.kept.push(
        event.enter === null
          ? event.path
          : `${event.enter}\n  removed by the next run, or by ${event.remove}`,
      );
      return;
    case "job.finished":
      job.state = event.status;
      job.durationMs += event.duration_ms;
      job.allowed = event.allow_failure;
      job.exitCode = event.exit_code;
      job.failureReason = event.failure_reason;
      if (event.script === null) job.command = undefined;
      return;
    default:
  }
}

function keep(job: JobHistory, line: string): void {
  job.lastLines.push(line);
  if (job.lastLines.length > LAST_LINES) job.lastLines.shift();
}
