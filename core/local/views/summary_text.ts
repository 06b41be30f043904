/** The last lines of a run: every job, what failed and why, and what it all took. */

import type { EndStatus } from "../../pipeline/job_outcome.ts";
import { duration, type Paint } from "./paint.ts";
import type { JobHistory } from "./run_history.ts";
import type { RunSummary } from "./view.ts";

export function summaryText(
  jobs: readonly JobHistory[],
  summary: RunSummary,
  paint: Paint,
): string {
  const ran = jobs.filter(hasBegun);
  const skipped = jobs.filter(({ state }) => state === "skipped");
  const failed = ran.filter(({ state }) => state === "failed");
  return [
    "",
    ...ran.map((job) => jobLine(job, paint)),
    ...skipped.map((job) => skippedLine(job, paint)),
    ...failed.flatMap((job) => failureLines(job, paint)),
    "",
    ...endLines(ran, summary, paint),
    "",
  ].join("\n");
}

/** As people see it: GitLab's pages say `blocked` where its API says `manual`. */
export function statusWord(status: EndStatus): string {
  return status === "manual" ? "blocked" : status;
}

export function hasBegun({ state }: JobHistory): boolean {
  return state !== "waiting" && state !== "skipped";
}

function skippedLine(job: JobHistory, paint: Paint): string {
  const { label, stage, why } = job;
  return `${mark(job, paint)} ${label} ${paint("dim", `(${stage}) skipped: ${why}`)}`;
}

function jobLine(job: JobHistory, paint: Paint): string {
  const { label, stage, durationMs, attempt } = job;
  const again = attempt > 1 ? `, attempt ${attempt}` : "";
  return `${mark(job, paint)} ${label} ${
    paint("dim", `(${stage}) ${duration(durationMs)}${again}${howFailed(job)}`)
  }`;
}

export function mark({ state, allowed }: JobHistory, paint: Paint): string {
  switch (state) {
    case "success":
      return paint("green", "✔");
    case "failed":
      return allowed ? paint("yellow", "!") : paint("red", "✘");
    case "canceled":
    case "manual":
      return paint("yellow", "-");
    case "running":
      return paint("cyan", "▶");
    case "waiting":
    case "skipped":
      return paint("dim", "·");
  }
}

function howFailed({ state, allowed, exitCode, failureReason }: JobHistory): string {
  if (state === "manual") return ", blocked";
  if (state !== "failed") return "";
  const code = exitCode === null ? failureReason ?? "failed" : `exit code ${exitCode}`;
  return allowed ? `, ${code}, allowed to fail` : `, ${code}`;
}

function failureLines(job: JobHistory, paint: Paint): readonly string[] {
  const title = job.allowed ? "failed, as it may" : "failed";
  const lastLines = job.lastLines.length === 0 ? job.preparation : job.lastLines;
  return [
    "",
    paint(job.allowed ? "yellow" : "red", `${job.label} ${title}`),
    // Where it is among what was printed last, it stands before what it printed.
    ...(job.command === undefined || job.lastLines.includes(`$ ${job.command}`)
      ? []
      : indented(`$ ${job.command}`).map((line) => paint("bold", line))),
    ...lastLines.flatMap(indented).map((line) => line.trimEnd()),
    ...job.errors.flatMap(indented).map((line) => paint("red", line)),
  ];
}

function indented(text: string): readonly string[] {
  return text.split("\n").map((line) => `  ${line}`);
}

function endLines(
  ran: readonly JobHistory[],
  { status, durationMs, criticalPath, junit, directory }: RunSummary,
  paint: Paint,
): readonly string[] {
  const color = status === "success" ? "green" : status === "failed" ? "red" : "yellow";
  const path = criticalPath.jobs.length > 1
    ? [`Critical path: ${criticalPath.jobs.join(" → ")} (${duration(criticalPath.durationMs)})`]
    : [];
  const tests = junit === null ? [] : [
    `Tests: ${junit.tests}, failures: ${junit.failures}, errors: ${junit.errors}, ` +
    `skipped: ${junit.skipped}`,
  ];
  const jobs = ran.length === 1 ? "1 job" : `${ran.length} jobs`;
  return [
    ...tests,
    ...path,
    ...ran.flatMap(({ label, kept }) =>
      kept.map((path) => paint("dim", `Kept of ${label}: ${path}`))
    ),
    ...(status === "success" ? [] : [paint("dim", `Logs: ${directory}`)]),
    `${paint(color, `Pipeline ${statusWord(status)}`)}: ${jobs} in ${duration(durationMs)}`,
  ];
}
