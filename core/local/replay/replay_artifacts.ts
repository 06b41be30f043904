/** What the jobs that a job needs have left for it, fetched from the server. */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { messageOf } from "../../errors.ts";
import { dotenvVariables } from "../../embedded/mod.ts";
import { type GitlabApi, projectPath, type Refused } from "../gitlab/gitlab_api.ts";
import type { LastRun } from "../last_run.ts";
import { ServerJob } from "./server_answers.ts";

export interface ReplayArtifactsOptions {
  readonly api: GitlabApi;
  /** `group/name`. */
  readonly project: string;
  readonly pipelineId: number;
  /** Full names of the jobs whose artifacts are wanted. */
  readonly jobs: readonly string[];
  /** Where to put them. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export interface ReplayArtifacts {
  readonly past: LastRun["past"];
  /** What is not to be had, and why. */
  readonly missing: readonly string[];
}

type Past = LastRun["past"][number];
type Artifact = Past["artifacts"][number];

const Jobs = z.array(ServerJob);

export async function replayArtifacts(options: ReplayArtifactsOptions): Promise<ReplayArtifacts> {
  const { api, project, pipelineId, jobs, directory, signal } = options;
  if (jobs.length === 0) return { past: [], missing: [] };
  const listed = await api.list(
    {
      path: `${projectPath(project)}/pipelines/${pipelineId}/jobs?`,
      route: "projects/:id/pipelines/:id/jobs",
    },
    Jobs,
    signal,
  );
  if (listed.kind === "refused") {
    return { past: [], missing: [`artifacts of ${jobs.join(", ")}: ${listed.message}`] };
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const missing: string[] = [];
  const past: Past[] = [];
  for (const name of jobs) {
    const job = listed.value.find((each) => each.name === name);
    if (job === undefined) missing.push(`artifacts of ${name}: the pipeline has no such job`);
    else past.push(await pastJob(job, options, missing));
  }
  return { past, missing };
}

async function pastJob(
  job: ServerJob,
  options: ReplayArtifactsOptions,
  missing: string[],
): Promise<Past> {
  const { name } = job;
  if (job.erased_at !== undefined) {
    missing.push(`artifacts of ${name}: erased on ${job.erased_at}`);
    return { name, dotenv: {}, artifacts: [] };
  }
  const has = (type: string) => job.artifacts.some(({ file_type }) => file_type === type);
  const archive = has("archive") ? await fetchFile(job, "archive", options) : undefined;
  const report = has("dotenv") ? await fetchFile(job, "dotenv", options) : undefined;
  if (typeof archive === "string") missing.push(`artifacts of ${name}: ${archive}`);
  const dotenv = typeof report === "string" ? report : dotenvOf(report);
  if (typeof dotenv === "string") missing.push(`dotenv variables of ${name}: ${dotenv}`);
  return {
    name,
    dotenv: typeof dotenv === "string" ? {} : dotenv,
    artifacts: typeof archive === "object" ? [archive] : [],
  };
}

/** The reason instead, when it is not to be had. */
async function fetchFile(
  job: ServerJob,
  type: "archive" | "dotenv",
  { api, project, directory, signal }: ReplayArtifactsOptions,
): Promise<Artifact | string> {
  const path = join(directory, `${job.id}-${type}`);
  const query = type === "archive" ? "" : `?file_type=${type}`;
  const answer = await api.download(
    {
      path: `${projectPath(project)}/jobs/${job.id}/artifacts${query}`,
      route: "projects/:id/jobs/:id/artifacts",
    },
    path,
    signal,
  );
  if (answer.kind === "refused") return refusal(job, answer);
  return {
    type,
    format: type === "archive" ? "zip" : "gzip",
    filename: type === "archive" ? "artifacts.zip" : ".env.gz",
    size: answer.value,
    sha256: "",
    path,
  };
}

function refusal({ artifacts_expire_at: expiry }: ServerJob, { status, message }: Refused): string {
  const isOver = status === 404 && expiry !== undefined && Date.parse(expiry) < Date.now();
  return isOver ? `expired on ${expiry}` : message;
}

/** Servers that do not know of reports in their API give the archive instead, a zip file. */
function dotenvOf(report: Artifact | undefined): Readonly<Record<string, string>> | string {
  if (report === undefined) return {};
  const bytes = readFileSync(report.path);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isGzip && bytes.subarray(0, 2).toString() === "PK") return "this server does not give them";
  try {
    return Object.fromEntries(dotenvVariables(isGzip ? bytes : gzipSync(bytes)));
  } catch (error) {
    return messageOf(error);
  }
}
