/** What GitLab's API says of jobs, pipelines, projects and variables: the fields that are used here. */

import { z } from "zod";

const text = z.string().nullish().transform((value) => value ?? "");

/** Goes to git as an argument, where it must not be an option. */
const refName = text.refine((name) => !name.startsWith("-"), "is not a ref");
const commitId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "is not a commit");

/** Becomes a part of paths on this machine. */
const projectPath = z.string().regex(/^\w[\w.-]*(?:\/\w[\w.-]*)+$/, "is not a project's path");

/** GitLab writes null for what there is not. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

const JobArtifact = z.looseObject({ file_type: z.string() });

/** `GET /projects/:id/jobs/:job_id`, and an element of a pipeline's list. */
export const ServerJob = z.looseObject({
  id: z.int(),
  name: z.string(),
  ref: refName,
  tag: z.boolean().default(false),
  web_url: text,
  pipeline: z.looseObject({ id: z.int() }),
  user: optional(z.looseObject({ id: z.int(), username: z.string(), name: text })),
  artifacts: z.array(JobArtifact).default([]),
  artifacts_expire_at: optional(z.string()),
  erased_at: optional(z.string()),
});
export type ServerJob = z.infer<typeof ServerJob>;

/** `GET /projects/:id/pipelines/:pipeline_id`. */
export const ServerPipeline = z.looseObject({
  id: z.int(),
  iid: optional(z.int()),
  sha: commitId,
  before_sha: optional(commitId),
  source: text,
  created_at: text,
  web_url: text,
  name: optional(z.string()),
});
export type ServerPipeline = z.infer<typeof ServerPipeline>;

/** `GET /projects/:id`. */
export const ServerProject = z.looseObject({
  id: z.int(),
  name: text,
  description: text,
  path_with_namespace: projectPath,
  namespace: z.looseObject({ id: z.int(), kind: z.string(), full_path: z.string() }),
  visibility: text,
  default_branch: refName,
  topics: z.array(z.string()).default([]),
  ci_config_path: text,
  ci_default_git_depth: optional(z.int()),
  container_registry_image_prefix: optional(z.string()),
});
export type ServerProject = z.infer<typeof ServerProject>;

/** `GET /projects/:id/variables`, of groups, of the instance and of a pipeline. */
export const ServerVariable = z.looseObject({
  key: z.string(),
  /** Null for a hidden one. */
  value: z.string().nullable(),
  variable_type: z.string().default("env_var"),
  protected: z.boolean().default(false),
  masked: z.boolean().default(false),
  raw: z.boolean().default(false),
  environment_scope: z.string().default("*"),
});
export type ServerVariable = z.infer<typeof ServerVariable>;

/** `GET /projects/:id/repository/branches/:branch` and `…/tags/:tag_name`. */
export const ServerRef = z.looseObject({ protected: z.boolean().default(false), message: text });
export type ServerRef = z.infer<typeof ServerRef>;

/** `GET /version`. */
export const ServerVersion = z.looseObject({ version: z.string(), revision: z.string() });
export type ServerVersion = z.infer<typeof ServerVersion>;

/** `GET /projects/:id/merge_requests/:iid`. */
export const ServerMergeRequest = z.looseObject({
  id: z.int(),
  iid: z.int(),
  title: text,
  description: text,
  source_branch: refName,
  target_branch: refName,
  source_project_id: optional(z.int()),
  draft: z.boolean().default(false),
  squash: z.boolean().default(false),
  labels: z.array(z.string()).default([]),
  assignees: z.array(z.looseObject({ username: z.string() })).default([]),
  milestone: optional(z.looseObject({ title: z.string() })),
  diff_refs: optional(z.looseObject({ base_sha: z.string().nullish() })),
});
export type ServerMergeRequest = z.infer<typeof ServerMergeRequest>;

/** `project { job(id:) }` of GraphQL: the one place that tells of trigger jobs by their id. */
export const TriggerJob = z.looseObject({
  data: optional(z.looseObject({
    project: optional(z.looseObject({
      job: optional(z.looseObject({ name: z.string(), kind: z.string() })),
    })),
  })),
});
