/** The last section of a job's trace: where its time went, and what its script used. */

import type { StageUsage } from "../executor.ts";
import type { JobTrace } from "../trace/trace.ts";
import type { StageReport } from "./stage_runner.ts";

type PeakMemory = StageUsage["peakMemory"];

const GROUPS: readonly (readonly [label: string, stages: RegExp])[] = [
  ["prepare", /^prepare_/],
  ["sources", /^(get_sources|clear_worktree)$/],
  ["cache", /^(restore_cache|archive_cache.*)$/],
  ["artifacts", /^(download_artifacts|upload_artifacts.*)$/],
  ["script", /^step_/],
  ["after_script", /^after_script$/],
];

/** Collapsed, so that it takes one line of the page until somebody wants it. */
export function writeSummary(trace: JobTrace, reports: readonly StageReport[]): void {
  trace.startSection("job_summary", "Time and resources of this job", { collapsed: true });
  for (const [label, stages] of GROUPS) {
    const members = reports.filter((report) => stages.test(report.stage));
    if (members.length === 0) continue;
    const total = members.reduce((sum, report) => sum + report.durationMs, 0);
    trace.print(row(label, `${(total / 1000).toFixed(3)} s`));
  }
  const usages = reports
    .filter((report) => /^(step_|after_script)/.test(report.stage))
    .flatMap((report) => report.usage ?? []);
  const cpuMs = usages.reduce((sum, usage) => sum + usage.cpuMs, 0);
  if (usages.length > 0) trace.print(row("script CPU", `${(cpuMs / 1000).toFixed(3)} s`));
  const [largest] = usages.map((usage) => usage.peakMemory).sort(exactAndLargestFirst);
  if (largest !== undefined) {
    const mebibytes = `${(largest.bytes / 2 ** 20).toFixed(1)} MiB`;
    trace.print(row("script memory", largest.kind === "exact" ? mebibytes : `< ${mebibytes}`));
  }
  trace.endSection("job_summary");
}

function row(label: string, value: string): string {
  return `${label.padEnd(15)}${value.padStart(14)}`;
}

function exactAndLargestFirst(a: PeakMemory, b: PeakMemory): number {
  if (a.kind !== b.kind) return a.kind === "exact" ? -1 : 1;
  return b.bytes - a.bytes;
}
