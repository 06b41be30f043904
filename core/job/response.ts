/**
 * The job as GitLab sends it with a 201 to `POST jobs/request`. Loose: unknown fields are ignored,
 * `null` and absence mean the same, only what we use is named.
 */

import { z } from "zod";
import type { Value } from "./moa/value.ts";

const text = z.string().nullish().transform((value) => value ?? "");
const flag = z.boolean().nullish().transform((value) => value ?? false);
const count = z.number().nullish().transform((value) => value ?? 0);
const strings = z.array(z.string()).nullish().transform((value) => value ?? []);

function list<T extends z.ZodType>(item: T) {
  return z.array(item).nullish().transform((value) => value ?? []);
}

/** A job variable. `file`: the value goes to a file and the variable holds its path. */
export const JobVariable = z.object({
  key: z.string(),
  value: text,
  public: flag,
  masked: flag,
  file: flag,
  raw: flag,
});
export type JobVariable = z.infer<typeof JobVariable>;

/** One entry of `steps`: `script`, `after_script`, `release`… */
export const JobStep = z.object({ name: z.string(), script: strings });
export type JobStep = z.infer<typeof JobStep>;

/** A job's image or one of its services. `executor_opts` is judged later, by the job's spec. */
export const JobImage = z.object({
  name: text,
  alias: text,
  entrypoint: strings,
  command: strings,
  ports: list(z.object({ number: count, protocol: text, name: text })),
  variables: list(JobVariable),
  pull_policy: strings,
  executor_opts: z.unknown().optional(),
});
export type JobImage = z.infer<typeof JobImage>;

/** When cache and artifact entries apply; empty means `on_success`. */
const when = text;

export const JobArtifacts = z.object({
  name: text,
  untracked: flag,
  paths: strings,
  exclude: strings,
  when,
  expire_in: text,
  artifact_type: text,
  artifact_format: text,
});
export type JobArtifacts = z.infer<typeof JobArtifacts>;

export const JobCache = z.object({
  key: text,
  untracked: flag,
  policy: text,
  paths: strings,
  when,
  fallback_keys: strings,
});
export type JobCache = z.infer<typeof JobCache>;

export const JobDependency = z.object({
  id: z.number(),
  name: text,
  token: text,
  artifacts_file: z.object({ filename: text, size: count }).nullish(),
});
export type JobDependency = z.infer<typeof JobDependency>;

export const JobCredentials = z.object({
  type: text,
  url: text,
  username: text,
  password: text,
});
export type JobCredentials = z.infer<typeof JobCredentials>;

const JobInfo = z.object({
  name: text,
  stage: text,
  project_id: count,
  project_name: text,
  project_full_path: text,
  pipeline_id: count,
  namespace_id: count,
  root_namespace_id: count,
  organization_id: count,
  user_id: count,
  scoped_user_id: z.number().nullish(),
  time_in_queue_seconds: count,
  project_jobs_running_on_instance_runners_count: text,
  queue_size: count,
  queue_depth: count,
});

const GitInfo = z.object({
  repo_url: text,
  ref: text,
  sha: text,
  before_sha: text,
  ref_type: text,
  refspecs: strings,
  depth: count,
  repo_object_format: text,
  protected: z.boolean().nullish(),
});

/** What this coordinator can do, as it says with every job. */
const CoordinatorFeatures = z.object({
  trace_sections: flag,
  failure_reasons: strings,
  token_mask_prefixes: strings,
});

function input<T extends string, C extends z.ZodType>(type: T, content: C) {
  return z.object({ type: z.literal(type), content, sensitive: flag });
}

/** Whatever JSON can say. */
const MoaValue: z.ZodType<Value> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.number(),
    z.string(),
    z.array(MoaValue),
    z.record(z.string(), MoaValue),
  ])
);

/** An input whose content is of another type than it says would change what the script does. */
const InputValue = z.discriminatedUnion("type", [
  input("string", z.string()),
  input("number", z.number()),
  input("boolean", z.boolean()),
  input("array", z.array(MoaValue)),
  input("struct", z.record(z.string(), MoaValue)),
]);

/** The least of a payload that lets us answer for it: enough to accept the job and fail it. */
export const JobIdentity = z.object({ id: z.number().int(), token: z.string().min(1) });
export type JobIdentity = z.infer<typeof JobIdentity>;

export const JobResponse = z.object({
  id: z.number().int(),
  token: z.string().min(1),
  allow_git_fetch: flag,
  job_info: z.preprocess((value) => value ?? {}, JobInfo),
  git_info: z.preprocess((value) => value ?? {}, GitInfo),
  runner_info: z.preprocess((value) => value ?? {}, z.object({ timeout: count, uuid: text })),
  variables: list(JobVariable),
  steps: list(JobStep),
  image: JobImage.nullish(),
  services: list(JobImage),
  artifacts: list(JobArtifacts),
  cache: list(JobCache),
  credentials: list(JobCredentials),
  dependencies: list(JobDependency),
  features: z.preprocess((value) => value ?? {}, CoordinatorFeatures),
  hooks: list(z.object({ name: z.string(), script: strings })),
  inputs: list(z.object({ key: z.string().min(1), value: InputValue })),
  run: z.unknown().optional(),
  secrets: z.record(z.string(), z.unknown()).nullish(),
  policy_options: z.object({
    execution_policy_job: flag,
    policy_name: text,
    policy_variables_override_allowed: z.boolean().nullish(),
    policy_variables_override_exceptions: strings,
  }).nullish(),
});
export type JobResponse = z.infer<typeof JobResponse>;
