/** Jobs and pipelines in the shapes that GitLab's API gives people's programs. */

import type { StoredArtifact } from "./artifact_store.ts";
import type { EmbeddedJob } from "./jobs.ts";
import type { JobDescription } from "./payload.ts";
import { PROJECT_ID } from "./payload.ts";
import type { EmbeddedRunner } from "./runners.ts";

export type DescribedJob = EmbeddedJob & { readonly description: JobDescription };

/** What a view has to know beside the job. */
export interface ViewContext {
  /** Address of this server. */
  readonly baseUrl: string;
  /** The jobs of the same pipeline. */
  readonly pipeline: readonly DescribedJob[];
  readonly isChild: boolean;
}

type Status = "created" | "pending" | "running" | "success" | "failed" | "canceled";

export function described(jobs: readonly EmbeddedJob[]): readonly DescribedJob[] {
  return jobs.filter((job): job is DescribedJob => job.description !== undefined);
}

export function pathOf({ description }: DescribedJob): string {
  return description.repository?.path ?? "";
}

/** An element of `GET /projects/:id/pipelines/:pipeline_id/jobs`. */
export function jobView(
  job: DescribedJob,
  artifacts: readonly StoredArtifact[],
  context: ViewContext,
) {
  const { description, times } = job;
  const archive = artifacts.find(({ type }) => type === "archive");
  const url = `${context.baseUrl}/${pathOf(job)}/-/jobs/${job.id}`;
  return {
    id: job.id,
    status: job.status,
    stage: description.stage,
    name: job.name,
    ref: description.repository?.ref ?? "",
    tag: description.repository?.refType === "tag",
    coverage: null,
    allow_failure: false,
    created_at: time(times.queued),
    started_at: time(times.accepted),
    finished_at: time(times.finished),
    erased_at: job.erasedAt ?? null,
    duration: seconds(times.accepted, times.finished),
    queued_duration: seconds(times.queued, times.accepted),
    ...(job.outcome?.failureReason === undefined
      ? {}
      : { failure_reason: job.outcome.failureReason }),
    user: user(context),
    commit: commit(job),
    pipeline: pipelineInShort(context),
    web_url: url,
    project: { ci_job_token_scope_enabled: false },
    ...(archive === undefined
      ? {}
      : { artifacts_file: { filename: archive.filename, size: archive.size } }),
    artifacts: artifacts.map(({ type, format, filename, size }) => ({
      file_type: type,
      size,
      filename,
      file_format: format,
    })),
    runner: job.runner === undefined ? null : runnerView(job.runner),
    runner_manager: job.runner === undefined ? null : { system_id: job.manager?.systemId ?? "" },
    artifacts_expire_at: null,
    archived: false,
    tag_list: job.tags,
  };
}

/** `GET /projects/:id/pipelines/:pipeline_id`. */
export function pipelineView(context: ViewContext) {
  const jobs = context.pipeline;
  const [job] = jobs;
  const [started] = moments(jobs, "accepted");
  const short = pipelineInShort(context);
  const finished = isOver(short.status) ? moments(jobs, "finished").at(-1) : undefined;
  return {
    ...short,
    name: null,
    before_sha: job?.description.repository?.beforeSha ?? "0".repeat(40),
    tag: job?.description.repository?.refType === "tag",
    yaml_errors: null,
    user: user(context),
    started_at: time(started),
    finished_at: time(finished),
    committed_at: null,
    duration: finished === undefined ? null : Math.round(seconds(started, finished) ?? 0),
    queued_duration: job === undefined ? null : Math.round(seconds(job.times.queued, started) ?? 0),
    coverage: null,
    archived: false,
    detailed_status: {
      icon: `status_${short.status}`,
      text: STATUS_TEXT[short.status],
      label: short.status === "success" ? "passed" : short.status,
      group: short.status,
      tooltip: short.status === "success" ? "passed" : short.status,
      has_details: true,
      details_path: new URL(short.web_url).pathname,
      illustration: null,
      favicon: `/assets/ci_favicons/favicon_status_${short.status}.png`,
    },
  };
}

function pipelineInShort({ pipeline, isChild, baseUrl }: ViewContext) {
  const [job] = pipeline;
  const id = job?.description.pipeline ?? 0;
  const changed = pipeline.map(({ times }) => times.finished ?? times.accepted ?? times.queued);
  return {
    id,
    iid: id,
    project_id: PROJECT_ID,
    sha: job?.description.repository?.sha ?? "",
    ref: job?.description.repository?.ref ?? "",
    status: pipelineStatus(pipeline),
    source: isChild ? "parent_pipeline" : "web",
    created_at: time(job?.times.queued),
    updated_at: time(Math.max(...changed)),
    web_url: `${baseUrl}/${job === undefined ? "" : pathOf(job)}/-/pipelines/${id}`,
  };
}

/** As GitLab sums it up: what still moves comes first, then what went wrong. */
function pipelineStatus(jobs: readonly DescribedJob[]): Status {
  const has = (status: string) => jobs.some((job) => job.status === status);
  if (has("running") || has("canceling")) return "running";
  if (has("created") || has("pending")) {
    if (jobs.some((job) => job.isOver)) return "running";
    return has("pending") ? "pending" : "created";
  }
  if (has("failed")) return "failed";
  return has("canceled") ? "canceled" : "success";
}

const STATUS_TEXT: Readonly<Record<Status, string>> = {
  created: "Created",
  pending: "Pending",
  running: "Running",
  success: "Passed",
  failed: "Failed",
  canceled: "Canceled",
};

function isOver(status: Status): boolean {
  return status === "success" || status === "failed" || status === "canceled";
}

function user({ baseUrl }: ViewContext) {
  return {
    id: 1,
    username: "user",
    name: "Local User",
    state: "active",
    locked: false,
    avatar_url: null,
    web_url: `${baseUrl}/user`,
  };
}

function commit({ description, times }: DescribedJob) {
  const id = description.repository?.sha ?? "";
  return {
    id,
    short_id: id.slice(0, 8),
    created_at: time(times.queued),
    title: "",
    message: "",
    author_name: "Local User",
    author_email: "user@example.com",
  };
}

function runnerView({ id, description, paused }: EmbeddedRunner) {
  return {
    id,
    description,
    ip_address: null,
    active: !paused,
    paused,
    is_shared: true,
    runner_type: "instance_type",
    name: null,
    online: true,
    status: "online",
  };
}

function moments(jobs: readonly DescribedJob[], which: "accepted" | "finished"): number[] {
  return jobs.map(({ times }) => times[which]).filter((at) => at !== undefined)
    .toSorted((a, b) => a - b);
}

function time(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

function seconds(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : (to - from) / 1000;
}
