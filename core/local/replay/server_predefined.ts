/** The predefined variables that a server gave a job, as far as its API tells them. */

import { type PredefinedVariables, traceVariables } from "../../job/predefined_variables.ts";
import type { JobAddress } from "./job_address.ts";
import type { ServerFacts } from "./server_facts.ts";
import type {
  ServerJob,
  ServerMergeRequest,
  ServerPipeline,
  ServerProject,
  ServerVersion,
} from "./server_answers.ts";

/** To be put over those that git and the address tell. */
export function serverPredefined(
  address: JobAddress,
  job: ServerJob,
  { project, pipeline, mergeRequest, ref, version }: ServerFacts,
): PredefinedVariables {
  return {
    ...projectVariables(project),
    ...pipelineVariables(pipeline),
    CI_COMMIT_REF_PROTECTED: String(ref?.protected ?? false),
    CI_JOB_ID: String(job.id),
    CI_JOB_URL: job.web_url ||
      `${address.serverUrl}/${address.projectPath}/-/jobs/${address.jobId}`,
    ...traceVariables(pipeline.id, job.id),
    ...userVariables(job),
    ...(version === undefined ? {} : versionVariables(version)),
    ...(mergeRequest === undefined ? {} : mergeRequestVariables(mergeRequest, project, job.ref)),
  };
}

function projectVariables(project: ServerProject): PredefinedVariables {
  const prefix = project.container_registry_image_prefix;
  return {
    CI_PROJECT_ID: String(project.id),
    CI_PROJECT_TITLE: project.name,
    CI_PROJECT_DESCRIPTION: project.description,
    CI_PROJECT_TOPICS: project.topics.join(",").toLowerCase(),
    CI_PROJECT_NAMESPACE_ID: String(project.namespace.id),
    CI_PROJECT_VISIBILITY: project.visibility,
    ...(prefix ? { CI_REGISTRY: prefix.split("/", 1)[0] ?? "", CI_REGISTRY_IMAGE: prefix } : {}),
  };
}

function pipelineVariables(pipeline: ServerPipeline): PredefinedVariables {
  return {
    CI_PIPELINE_ID: String(pipeline.id),
    ...(pipeline.iid === undefined ? {} : { CI_PIPELINE_IID: String(pipeline.iid) }),
    CI_PIPELINE_URL: pipeline.web_url,
    CI_PIPELINE_CREATED_AT: pipeline.created_at,
    CI_PIPELINE_NAME: pipeline.name ?? "",
    ...(pipeline.source === "trigger" ? { CI_PIPELINE_TRIGGERED: "true" } : {}),
  };
}

function userVariables({ user }: ServerJob): PredefinedVariables {
  if (user === undefined) return {};
  return {
    GITLAB_USER_ID: String(user.id),
    GITLAB_USER_LOGIN: user.username,
    GITLAB_USER_NAME: user.name,
  };
}

function versionVariables({ version, revision }: ServerVersion): PredefinedVariables {
  const [major = "", minor = "", patch = ""] = version.replace(/-.*$/, "").split(".");
  return {
    CI_SERVER_VERSION: version,
    CI_SERVER_VERSION_MAJOR: major,
    CI_SERVER_VERSION_MINOR: minor,
    CI_SERVER_VERSION_PATCH: patch,
    CI_SERVER_REVISION: revision,
  };
}

/** GitLab cuts the description here. */
const LONGEST_DESCRIPTION = 2700;

function mergeRequestVariables(
  request: ServerMergeRequest,
  { id, path_with_namespace: path }: ServerProject,
  ref: string,
): PredefinedVariables {
  const { description, iid } = request;
  return {
    CI_OPEN_MERGE_REQUESTS: `${path}!${iid}`,
    CI_MERGE_REQUEST_ID: String(request.id),
    CI_MERGE_REQUEST_IID: String(iid),
    CI_MERGE_REQUEST_TITLE: request.title,
    CI_MERGE_REQUEST_DESCRIPTION: description.slice(0, LONGEST_DESCRIPTION),
    CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED: String(description.length > LONGEST_DESCRIPTION),
    ...filled({
      CI_MERGE_REQUEST_ASSIGNEES: request.assignees.map(({ username }) => username).join(", "),
      CI_MERGE_REQUEST_LABELS: request.labels.join(","),
      CI_MERGE_REQUEST_MILESTONE: request.milestone?.title ?? "",
    }),
    CI_MERGE_REQUEST_DRAFT: String(request.draft),
    CI_MERGE_REQUEST_SQUASH_ON_MERGE: String(request.squash),
    CI_MERGE_REQUEST_PROJECT_ID: String(id),
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: String(request.source_project_id ?? id),
    CI_MERGE_REQUEST_REF_PATH: `refs/merge-requests/${iid}/head`,
    CI_MERGE_REQUEST_EVENT_TYPE: eventType(ref),
    ...(request.diff_refs?.base_sha
      ? { CI_MERGE_REQUEST_DIFF_BASE_SHA: request.diff_refs.base_sha }
      : {}),
  };
}

/** What is empty is not there. */
function filled(values: PredefinedVariables): PredefinedVariables {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}

function eventType(ref: string): string {
  if (ref.endsWith("/merge")) return "merged_result";
  return ref.endsWith("/train") ? "merge_train" : "detached";
}
