/** A job of a local pipeline in the words in which GitLab hands one out. Pure. */

import type { JobImage, JobResponse, JobVariable } from "../job/response.ts";
import type { CiCache, CiImage } from "../pipeline/ci_config.ts";
import type { PipelineJob } from "../pipeline/pipeline.ts";
import type { Plain } from "../pipeline/yaml/node.ts";
import { artifactEntries } from "./artifact_entries.ts";

export interface JobResponseFacts {
  readonly id: number;
  readonly token: string;
  readonly projectPath: string;
  readonly timeoutSeconds: number;
  /** In the order of precedence, the last of one name wins. */
  readonly variables: readonly JobVariable[];
  /** With keys made of files already. */
  readonly cache: readonly ResolvedCache[];
  readonly sources: JobSources;
  readonly dependencies: JobResponse["dependencies"];
}

export interface JobSources {
  /** A path, or an address that the job's environment reaches. */
  readonly repositoryUrl: string;
  readonly sha: string;
  readonly beforeSha: string;
  readonly ref: string;
  readonly refType: "branch" | "tag";
  readonly refspecs: readonly string[];
  readonly depth: number;
  readonly objectFormat: "sha1" | "sha256";
}

export type ResolvedCache = Omit<CiCache, "key"> & { readonly key: string };

/** Local jobs are all of one project and one pipeline. */
export const PROJECT_ID = 1;
export const PIPELINE_ID = 1;

/** Whatever the engine can say is told as it is. */
const FAILURE_REASONS = [
  "unknown_failure",
  "script_failure",
  "runner_system_failure",
  "job_execution_timeout",
  "runner_configuration_error",
  "runner_external_dependency_failure",
  "runner_interrupted",
  "image_pull_failure",
];

export function jobResponse(job: PipelineJob, facts: JobResponseFacts): JobResponse {
  const { config } = job;
  const { sources } = facts;
  return {
    id: facts.id,
    token: facts.token,
    allow_git_fetch: true,
    job_info: {
      name: job.name,
      stage: job.stage,
      project_id: PROJECT_ID,
      project_name: facts.projectPath.split("/").at(-1) ?? "",
      project_full_path: facts.projectPath,
      pipeline_id: PIPELINE_ID,
      namespace_id: 1,
      root_namespace_id: 1,
      organization_id: 1,
      user_id: 1,
      scoped_user_id: null,
      time_in_queue_seconds: 0,
      project_jobs_running_on_instance_runners_count: "",
      queue_size: 0,
      queue_depth: 0,
    },
    git_info: {
      repo_url: sources.repositoryUrl,
      ref: sources.ref,
      sha: sources.sha,
      before_sha: sources.beforeSha,
      ref_type: sources.refType,
      refspecs: [...sources.refspecs],
      depth: sources.depth,
      repo_object_format: sources.objectFormat,
      protected: false,
    },
    runner_info: { timeout: facts.timeoutSeconds, uuid: "" },
    variables: [...facts.variables],
    steps: steps(job),
    image: job.image === undefined ? null : jobImage(job.image),
    services: job.services.map(jobImage),
    artifacts: config.artifacts === undefined ? [] : artifactEntries(config.artifacts),
    cache: facts.cache.map(jobCache),
    credentials: [],
    dependencies: facts.dependencies,
    features: { trace_sections: true, failure_reasons: FAILURE_REASONS, token_mask_prefixes: [] },
    hooks: Object.entries(config.hooks).map(([name, script]) => ({ name, script: [...script] })),
    inputs: Object.entries(config.inputs).map(jobInput),
    run: undefined,
    secrets: null,
    policy_options: null,
  };
}

function steps({ config }: PipelineJob): JobResponse["steps"] {
  const script = { name: "script", script: [...config.beforeScript, ...config.script] };
  if (config.afterScript.length === 0) return [script];
  return [script, { name: "after_script", script: [...config.afterScript] }];
}

function jobImage(image: CiImage): JobImage {
  const { platform, user } = image.docker;
  return {
    name: image.name,
    alias: image.alias.join(" "),
    entrypoint: [...image.entrypoint],
    command: [...image.command],
    ports: [],
    variables: Object.entries(image.variables).map(([key, { value, expand }]) => ({
      key,
      value,
      public: true,
      masked: false,
      file: false,
      raw: !expand,
    })),
    pull_policy: [...image.pullPolicy],
    ...(platform === "" && user === "" ? {} : { executor_opts: { docker: { platform, user } } }),
  };
}

/** What YAML says is of one of these types: reading has seen to it. */
function jobInput([key, content]: readonly [string, Plain]): JobResponse["inputs"][number] {
  const sensitive = false;
  switch (typeof content) {
    case "string":
      return { key, value: { type: "string", content, sensitive } };
    case "number":
      return { key, value: { type: "number", content, sensitive } };
    case "boolean":
      return { key, value: { type: "boolean", content, sensitive } };
    default:
      return {
        key,
        value: { type: "array", content: Array.isArray(content) ? content : [], sensitive },
      };
  }
}

function jobCache(cache: ResolvedCache): JobResponse["cache"][number] {
  return {
    key: cache.key,
    untracked: cache.untracked,
    policy: cache.policy,
    paths: [...cache.paths],
    when: cache.when,
    fallback_keys: [...cache.fallbackKeys],
  };
}
