/** The `CI_*` variables GitLab sends with every job, for a made-up project and pipeline. */

import type { JobVariableInput } from "./payload.ts";

/** What the predefined variables are made of. */
export interface PredefinedFacts {
  readonly baseUrl: string;
  readonly repositoryUrl: string;
  readonly jobId: number;
  readonly jobToken: string;
  readonly pipelineId: number;
  readonly name: string;
  readonly stage: string;
  readonly image: string;
  readonly projectPath: string;
  readonly projectId: number;
  readonly ref: string;
  readonly refType: "branch" | "tag";
  readonly sha: string;
  readonly beforeSha: string;
  readonly timeoutSeconds: number;
  readonly tags: readonly string[];
  readonly runnerId: number;
  readonly runnerDescription: string;
  readonly startedAt: string;
}

export const SERVER_VERSION = "18.9.0";

/** In the order of precedence: later ones win. */
export function predefinedVariables(facts: PredefinedFacts): JobVariableInput[] {
  const server = new URL(facts.baseUrl);
  const [name, ...parents] = facts.projectPath.split("/").toReversed();
  const namespace = parents.toReversed().join("/");
  const projectUrl = `${facts.baseUrl}/${facts.projectPath}`;
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  const [major = "", minor = "", patch = ""] = SERVER_VERSION.split(".");
  const isBranch = facts.refType === "branch";
  return [
    ...publicVariables({
      CI_PIPELINE_ID: String(facts.pipelineId),
      CI_PIPELINE_URL: `${projectUrl}/-/pipelines/${facts.pipelineId}`,
      CI_JOB_ID: String(facts.jobId),
      CI_JOB_URL: `${projectUrl}/-/jobs/${facts.jobId}`,
    }),
    { key: "CI_JOB_TOKEN", value: facts.jobToken, public: false, masked: true },
    ...publicVariables({ CI_JOB_STARTED_AT: facts.startedAt, CI_REGISTRY_USER: "gitlab-ci-token" }),
    { key: "CI_REGISTRY_PASSWORD", value: facts.jobToken, public: false, masked: true },
    { key: "CI_REPOSITORY_URL", value: facts.repositoryUrl, public: false },
    { key: "CI_DEPENDENCY_PROXY_USER", value: "gitlab-ci-token" },
    { key: "CI_DEPENDENCY_PROXY_PASSWORD", value: facts.jobToken, public: false, masked: true },
    ...publicVariables({
      CI_JOB_NAME: facts.name,
      CI_JOB_NAME_SLUG: slug(facts.name),
      CI_JOB_GROUP_NAME: facts.name.replace(/[ \d/:,[\]]+$/, "") || facts.name,
      CI_JOB_STAGE: facts.stage,
      ...(facts.image === "" ? {} : { CI_JOB_IMAGE: facts.image }),
      CI_NODE_TOTAL: "1",
      CI: "true",
      GITLAB_CI: "true",
      CI_SERVER: "yes",
      CI_SERVER_NAME: "GitLab",
      CI_SERVER_URL: facts.baseUrl,
      CI_SERVER_HOST: server.hostname,
      CI_SERVER_PORT: port,
      CI_SERVER_PROTOCOL: server.protocol.slice(0, -1),
      CI_SERVER_FQDN: server.host,
      CI_SERVER_SHELL_SSH_HOST: server.hostname,
      CI_SERVER_SHELL_SSH_PORT: "22",
      CI_SERVER_VERSION: SERVER_VERSION,
      CI_SERVER_VERSION_MAJOR: major,
      CI_SERVER_VERSION_MINOR: minor,
      CI_SERVER_VERSION_PATCH: patch,
      CI_SERVER_REVISION: "00000000000",
      GITLAB_FEATURES: "",
      CI_API_V4_URL: `${facts.baseUrl}/api/v4`,
      CI_API_GRAPHQL_URL: `${facts.baseUrl}/api/graphql`,
      CI_TEMPLATE_REGISTRY_HOST: "registry.gitlab.com",
      CI_PROJECT_ID: String(facts.projectId),
      CI_PROJECT_NAME: name ?? "",
      CI_PROJECT_TITLE: name ?? "",
      CI_PROJECT_DESCRIPTION: "",
      CI_PROJECT_PATH: facts.projectPath,
      CI_PROJECT_PATH_SLUG: slug(facts.projectPath),
      CI_PROJECT_NAMESPACE: namespace,
      CI_PROJECT_NAMESPACE_ID: "1",
      CI_PROJECT_NAMESPACE_SLUG: slug(namespace),
      CI_PROJECT_ROOT_NAMESPACE: namespace.split("/")[0] ?? "",
      CI_PROJECT_URL: projectUrl,
      CI_PROJECT_VISIBILITY: "private",
      CI_PROJECT_REPOSITORY_LANGUAGES: "",
      CI_PROJECT_CLASSIFICATION_LABEL: "",
      CI_DEFAULT_BRANCH: "main",
      CI_DEFAULT_BRANCH_SLUG: "main",
      CI_CONFIG_PATH: ".gitlab-ci.yml",
      CI_PAGES_DOMAIN: "example.com",
      CI_PIPELINE_IID: String(facts.pipelineId),
      CI_PIPELINE_SOURCE: "web",
      CI_PIPELINE_CREATED_AT: facts.startedAt,
      CI_PIPELINE_NAME: "",
      CI_COMMIT_SHA: facts.sha,
      CI_COMMIT_SHORT_SHA: facts.sha.slice(0, 8),
      CI_COMMIT_BEFORE_SHA: facts.beforeSha,
      CI_COMMIT_REF_NAME: facts.ref,
      CI_COMMIT_REF_SLUG: slug(facts.ref),
      ...(isBranch ? { CI_COMMIT_BRANCH: facts.ref } : { CI_COMMIT_TAG: facts.ref }),
      CI_COMMIT_REF_PROTECTED: "false",
      CI_COMMIT_MESSAGE: "",
      CI_COMMIT_TITLE: "",
      CI_COMMIT_DESCRIPTION: "",
      CI_COMMIT_TIMESTAMP: facts.startedAt,
      CI_COMMIT_AUTHOR: "Local User <user@example.com>",
      CI_JOB_TIMEOUT: String(facts.timeoutSeconds),
      CI_JOB_STATUS: "running",
      CI_RUNNER_ID: String(facts.runnerId),
      CI_RUNNER_DESCRIPTION: facts.runnerDescription,
      CI_RUNNER_TAGS: JSON.stringify(facts.tags),
      GITLAB_USER_ID: "1",
      GITLAB_USER_LOGIN: "user",
      GITLAB_USER_NAME: "Local User",
      GITLAB_USER_EMAIL: "user@example.com",
    }),
  ];
}

/** What v11.7-era servers call them by, beside the names of today. */
export function oldVariables(facts: PredefinedFacts): JobVariableInput[] {
  return publicVariables({
    CI_BUILD_ID: String(facts.jobId),
    CI_BUILD_NAME: facts.name,
    CI_BUILD_STAGE: facts.stage,
    CI_BUILD_REF: facts.sha,
    CI_BUILD_REF_NAME: facts.ref,
  });
}

/** Lower case, everything but letters and digits a dash, at most 63 characters, none at the ends. */
function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, "-").slice(0, 63).replaceAll(/^-+|-+$/g, "");
}

function publicVariables(values: Readonly<Record<string, string>>): JobVariableInput[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}
