import { expect, test } from "bun:test";
import type { ExecEvent, UntimedEvent } from "../../../../core/local/events.ts";
import { painter } from "../../../../core/local/views/paint.ts";
import { RunHistory } from "../../../../core/local/views/run_history.ts";
import { summaryText } from "../../../../core/local/views/summary_text.ts";

const UNIT = { job: "unit", stage: "test", pipeline: [] };
const SUMMARY = {
  status: "failed",
  exitCode: 1,
  durationMs: 1500,
  criticalPath: { jobs: [], durationMs: 0 },
  junit: null,
  directory: "/logs",
} as const;

test("summaryText shows what git said where a job has not come to its script", () => {
  expect(summaryOf([
    created("unit"),
    started("unit"),
    section("prepare_script"),
    said("Running on vm..."),
    section("get_sources"),
    said("Fetching changes..."),
    said("fatal: unable to access 'http://host/app.git/'"),
    section("cleanup_file_variables"),
    said("Cleaning up"),
    said("ERROR: Job failed: exit code 128"),
    finished("unit", "failed", 128),
  ])).toBe(
    "\n✘ unit (test) 10.0 s, exit code 128\n\nunit failed\n  Fetching changes...\n" +
      "  fatal: unable to access 'http://host/app.git/'\n  ERROR: Job failed: exit code 128\n\n" +
      "Logs: /logs\nPipeline failed: 1 job in 1.5 s\n",
  );
});

test("summaryText shows nothing of the preparation once there is a script", () => {
  expect(summaryOf([
    created("unit"),
    started("unit"),
    section("get_sources"),
    said("Fetching changes..."),
    section("step_script"),
    said("ERROR: Job failed: exit code 1"),
    finished("unit", "failed", 1),
  ])).not.toContain("Fetching");
});

test("summaryText names the command that failed once, whatever after_script runs", () => {
  const events = [
    created("unit"),
    started("unit"),
    command("make", "script"),
    section("after_script"),
    command("clean", "after_script"),
    { ...finished("unit", "failed", 2), script: "script" },
  ];
  expect(summaryOf(events as UntimedEvent[])).toContain("\nunit failed\n  $ make\n\n");
  const many = Array.from({ length: 30 }, () => said("x"));
  const long = [
    ...events.slice(0, 3),
    ...many.map((one) => ({ ...one, source: "script" })),
    events[5],
  ];
  expect(summaryOf(long as UntimedEvent[])).toContain("\nunit failed\n  $ make\n  x\n");
});

test("summaryText names jobs that did not run and why, but not those that nobody wants", () => {
  expect(summaryOf([
    skipped("hand", "manual", "is manual"),
    skipped("never", "rules", "none of its rules fits"),
    created("unit"),
    created("after"),
    created("waits"),
    started("unit"),
    finished("unit", "canceled", null),
    skipped("after", "needs_failed", 'needs "unit", which was canceled'),
    finished("waits", "canceled", null),
  ])).toBe(
    "\n- unit (test) 10.0 s\n· hand (test) skipped: is manual\n" +
      '· after (test) skipped: needs "unit", which was canceled\n\n' +
      "Logs: /logs\nPipeline failed: 1 job in 1.5 s\n",
  );
});

function summaryOf(events: readonly UntimedEvent[]): string {
  const history = new RunHistory();
  for (const event of events) history.take({ time: "", ...event } as ExecEvent);
  return summaryText(history.jobs, SUMMARY, painter(false));
}

function created(job: string): UntimedEvent {
  return {
    type: "job.created",
    ...UNIT,
    job,
    when: "on_success",
    allow_failure: false,
    needs: null,
  };
}

function started(job: string): UntimedEvent {
  return { type: "job.started", ...UNIT, job, attempt: 1, executor: "docker", image: "alpine" };
}

function section(name: string): UntimedEvent {
  return { type: "job.section", ...UNIT, name, state: "start" };
}

function command(text: string, script: "script" | "after_script"): UntimedEvent {
  return { type: "job.command", ...UNIT, text, script };
}

function said(text: string): UntimedEvent {
  return { type: "job.output", ...UNIT, text, source: "runner", stream: null, partial: false };
}

function skipped(
  job: string,
  reason: "manual" | "rules" | "needs_failed",
  message: string,
): UntimedEvent {
  return { type: "job.skipped", ...UNIT, job, reason, message };
}

function finished(
  job: string,
  status: "failed" | "canceled",
  exitCode: number | null,
): UntimedEvent {
  return {
    type: "job.finished",
    ...UNIT,
    job,
    status,
    blocked: false,
    exit_code: exitCode,
    failure_reason: null,
    allow_failure: false,
    attempt: 1,
    duration_ms: 10_000,
    coverage: null,
    script: null,
    after_script_exit_code: null,
    environment: null,
  };
}
