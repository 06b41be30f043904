/** Builds the payload of a job as GitLab sends it, from the few fields somebody cares about. */

import { z } from "zod";
import type { JobResponse } from "../job/response.ts";
import { oldVariables, type PredefinedFacts, predefinedVariables } from "./predefined_variables.ts";

const lines = z.union([z.string().transform((text) => text.split("\n")), z.array(z.string())]);

const VariableValue = z.union([
  z.string(),
  z.strictObject({
    value: z.string(),
    public: z.boolean().optional(),
    masked: z.boolean().optional(),
    file: z.boolean().optional(),
    raw: z.boolean().optional(),
  }),
]);

const Image = z.union([
  z.string().transform((name) => ({ name })),
  z.looseObject({ name: z.string() }),
]);

/** `group/project` with letters, digits, `_`, `.` and `-`, no part being `..` or an option. */
const ProjectPath = z.string().regex(
  /^[\w][\w.-]*(?:\/[\w][\w.-]*)+$/,
  "is not a path like group/project",
);

const Repository = z.strictObject({
  /** Bare repository `<path>.git` below the folder the coordinator serves. */
  path: ProjectPath,
  ref: z.string().default("main"),
  refType: z.enum(["branch", "tag"]).default("branch"),
  sha: z.string().default(""),
  beforeSha: z.string().default("0".repeat(40)),
  depth: z.int().min(0).default(20),
  refspecs: z.array(z.string()).optional(),
  objectFormat: z.enum(["sha1", "sha256"]).default("sha1"),
});

/** A job in short. Without a repository, `GIT_STRATEGY` is `none`. */
export const JobDescription = z.strictObject({
  name: z.string().min(1).default("job"),
  /** Jobs of one number make a pipeline. */
  pipeline: z.int().positive().default(1),
  stage: z.string().default("test"),
  script: lines,
  afterScript: lines.optional(),
  variables: z.record(z.string(), VariableValue).default({}),
  image: Image.optional(),
  services: z.array(Image).default([]),
  artifacts: z.array(z.looseObject({})).default([]),
  cache: z.array(z.looseObject({})).default([]),
  /** Ids of earlier jobs whose archives this one downloads. */
  dependencies: z.array(z.int()).default([]),
  repository: Repository.optional(),
  timeout: z.int().positive().default(3600),
  tags: z.array(z.string()).default([]),
  hooks: z.array(z.strictObject({ name: z.string(), script: z.array(z.string()) })).default([]),
  /** Put over the finished payload, field by field: what the description has no word for. */
  payload: z.record(z.string(), z.unknown()).default({}),
});
export type JobDescription = z.infer<typeof JobDescription>;
export type JobDescriptionInput = z.input<typeof JobDescription>;

export type JobPayload = z.input<typeof JobResponse>;
export type JobVariableInput = NonNullable<JobPayload["variables"]>[number];

/** What only the coordinator knows when it hands the job out. */
export interface PayloadContext {
  readonly id: number;
  readonly token: string;
  /** How the runner reaches the coordinator, without a slash at the end. */
  readonly baseUrl: string;
  readonly mode: "modern" | "v11.7";
  readonly runnerId: number;
  readonly runnerDescription: string;
  readonly queuedSeconds: number;
  readonly queueSize: number;
  /** The archive of an earlier job; undefined when it has none. */
  readonly archiveOf: (job: number) => DependencyArchive | undefined;
}

export interface DependencyArchive {
  readonly name: string;
  readonly filename: string;
  readonly size: number;
  /** The earlier job's own token, which is what old servers sent. */
  readonly token: string;
}

/** All projects have the same. */
export const PROJECT_ID = 1;

export function buildPayload(job: JobDescription, context: PayloadContext): JobPayload {
  const repository = job.repository ?? Repository.parse({ path: "local/sample" });
  const repositoryUrl = withCredentials(`${context.baseUrl}/${repository.path}.git`, context.token);
  const isOld = context.mode === "v11.7";
  const payload: JobPayload = {
    id: context.id,
    token: context.token,
    allow_git_fetch: true,
    job_info: {
      name: job.name,
      stage: job.stage,
      project_id: PROJECT_ID,
      project_name: repository.path.split("/").at(-1) ?? "",
      ...(isOld ? {} : modernJobInfo(job.pipeline, repository.path, context)),
    },
    git_info: gitInfo(repository, { repositoryUrl, isOld }),
    runner_info: { timeout: job.timeout },
    variables: jobVariables(job, factsOf(job, context, { repository, repositoryUrl }), isOld),
    steps: steps(job),
    image: job.image ?? null,
    services: job.services,
    artifacts: job.artifacts.length === 0 ? null : job.artifacts,
    cache: job.cache,
    credentials: [],
    dependencies: job.dependencies.map((id) => dependency(id, context)),
    features: isOld ? { trace_sections: true } : {
      trace_sections: true,
      token_mask_prefixes: ["glpat-", "glcbt-", "glrt-"],
      failure_reasons: [...FAILURE_REASONS],
    },
    ...(isOld ? {} : { hooks: job.hooks }),
  };
  return { ...payload, ...job.payload };
}

interface Sources {
  readonly repository: z.infer<typeof Repository>;
  readonly repositoryUrl: string;
}

function factsOf(
  job: JobDescription,
  context: PayloadContext,
  { repository, repositoryUrl }: Sources,
): PredefinedFacts {
  return {
    ...repository,
    baseUrl: context.baseUrl,
    repositoryUrl,
    jobId: context.id,
    jobToken: context.token,
    pipelineId: job.pipeline,
    name: job.name,
    stage: job.stage,
    image: job.image?.name ?? "",
    projectPath: repository.path,
    projectId: PROJECT_ID,
    timeoutSeconds: job.timeout,
    tags: job.tags,
    runnerId: context.runnerId,
    runnerDescription: context.runnerDescription,
    startedAt: new Date().toISOString().replace(/\.\d+/, ""),
  };
}

function jobVariables(
  job: JobDescription,
  facts: PredefinedFacts,
  isOld: boolean,
): JobVariableInput[] {
  return [
    ...predefinedVariables(facts),
    ...(isOld ? oldVariables(facts) : []),
    ...(job.repository === undefined ? [{ key: "GIT_STRATEGY", value: "none" }] : []),
    ...Object.entries(job.variables).map(([key, value]) => jobVariable(key, value)),
  ].map((variable) => isOld ? oldVariable(variable) : { public: true, masked: false, ...variable });
}

function gitInfo(
  repository: Sources["repository"],
  { repositoryUrl, isOld }: { repositoryUrl: string; isOld: boolean },
): JobPayload["git_info"] {
  const { ref, refType } = repository;
  const old = {
    repo_url: repositoryUrl,
    ref,
    sha: repository.sha,
    before_sha: repository.beforeSha,
    ref_type: refType,
  };
  if (isOld) return old;
  return {
    ...old,
    refspecs: repository.refspecs ?? [refspec(refType, ref)],
    depth: repository.depth,
    repo_object_format: repository.objectFormat,
    protected: false,
  };
}

/** What a 19.x server accepts, in its order (protocol section 8.5). */
export const FAILURE_REASONS: readonly string[] =
  `unknown_failure script_failure api_failure stuck_or_timeout_failure runner_system_failure
  missing_dependency_failure runner_unsupported stale_schedule job_execution_timeout archived_failure
  unmet_prerequisites scheduler_failure data_integrity_failure forward_deployment_failure user_blocked
  project_deleted ci_quota_exceeded pipeline_loop_detected no_matching_runner trace_size_exceeded
  builds_disabled environment_creation_failure deployment_rejected failed_outdated_deployment_job
  job_execution_server_timeout stuck_pending_with_matching_runners stuck_pending_no_matching_runners
  no_updates_running no_updates_canceling server_timeout_running server_timeout_canceling
  runner_configuration_error runner_external_dependency_failure runner_interrupted`.split(/\s+/);

/** The fixed list an 11.x server checks against, refusing all else with 400. */
export const OLD_FAILURE_REASONS: readonly string[] = FAILURE_REASONS.slice(0, 13);

function withCredentials(url: string, token: string): string {
  return url.replace("://", `://gitlab-ci-token:${token}@`);
}

function jobVariable(key: string, value: z.infer<typeof VariableValue>): JobVariableInput {
  if (typeof value === "string") return { key, value };
  const set = Object.entries(value).filter(([, field]) => field !== undefined);
  return { key, value: value.value, ...Object.fromEntries(set) };
}

/** An 11.x server knows neither `masked` nor `raw`. */
function oldVariable(variable: JobVariableInput): JobVariableInput {
  const { key, value, public: isPublic, file } = variable;
  return { key, value, public: isPublic ?? true, ...(file === true ? { file } : {}) };
}

function modernJobInfo(pipeline: number, projectPath: string, context: PayloadContext) {
  return {
    project_full_path: projectPath,
    pipeline_id: pipeline,
    namespace_id: 1,
    root_namespace_id: 1,
    organization_id: 1,
    user_id: 1,
    scoped_user_id: null,
    time_in_queue_seconds: context.queuedSeconds,
    project_jobs_running_on_instance_runners_count: "+Inf",
    queue_size: context.queueSize,
    queue_depth: 1,
  };
}

function refspec(refType: "branch" | "tag", ref: string): string {
  return refType === "tag"
    ? `+refs/tags/${ref}:refs/tags/${ref}`
    : `+refs/heads/${ref}:refs/remotes/origin/${ref}`;
}

function steps(job: JobDescription): NonNullable<JobPayload["steps"]> {
  const script = {
    name: "script",
    script: job.script,
    timeout: job.timeout,
    when: "on_success",
    allow_failure: false,
  };
  if (job.afterScript === undefined) return [script];
  const after = { name: "after_script", script: job.afterScript, when: "always" };
  return [script, { ...script, ...after, allow_failure: true }];
}

function dependency(id: number, context: PayloadContext) {
  const archive = context.archiveOf(id);
  const token = context.mode === "v11.7" && archive !== undefined ? archive.token : context.token;
  if (archive === undefined) return { id, name: `job ${id}`, token };
  const { name, filename, size } = archive;
  return { id, name, token, artifacts_file: { filename, size } };
}
