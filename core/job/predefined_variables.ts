/** The `CI_*` variables that GitLab sends with every job: of its pipeline, and of the job itself. */

/** The version of GitLab that our own coordinators say they are. */
export const SERVER_VERSION = "18.9.0";

/** In the order of precedence: later ones win. */
export type PredefinedVariables = Readonly<Record<string, string>>;

/** What all jobs of a pipeline have in common. */
export interface PipelineVariableFacts {
  /** GitLab's address, without a slash at the end. */
  readonly serverUrl: string;
  readonly project: {
    readonly id: number;
    /** `group/subgroup/name`. */
    readonly path: string;
    readonly defaultBranch: string;
    readonly configPath: string;
    readonly visibility: string;
  };
  readonly pipeline: {
    readonly id: number;
    readonly source: string;
    readonly createdAt: string;
    readonly name: string;
  };
  readonly commit: {
    readonly sha: string;
    readonly beforeSha: string;
    readonly message: string;
    readonly author: string;
    readonly timestamp: string;
  };
  readonly ref: {
    readonly name: string;
    readonly kind: "branch" | "tag" | "merge-request";
    readonly isProtected: boolean;
    /** Of an annotated tag. */
    readonly tagMessage: string;
  };
  readonly user: { readonly login: string; readonly name: string; readonly email: string };
}

/** GitLab cuts `CI_COMMIT_MESSAGE` here. */
const LONGEST_MESSAGE_BYTES = 100 * 1024;

export function pipelineVariables(facts: PipelineVariableFacts): PredefinedVariables {
  const { project, pipeline, ref, user } = facts;
  const projectUrl = `${facts.serverUrl}/${project.path}`;
  return {
    CI: "true",
    GITLAB_CI: "true",
    ...serverVariables(facts.serverUrl),
    ...projectVariables(facts, projectUrl),
    CI_PIPELINE_ID: String(pipeline.id),
    CI_PIPELINE_IID: String(pipeline.id),
    CI_PIPELINE_URL: `${projectUrl}/-/pipelines/${pipeline.id}`,
    CI_PIPELINE_SOURCE: pipeline.source,
    CI_PIPELINE_CREATED_AT: pipeline.createdAt,
    CI_PIPELINE_NAME: pipeline.name,
    ...(pipeline.source === "trigger" ? { CI_PIPELINE_TRIGGERED: "true" } : {}),
    ...commitVariables(facts),
    CI_COMMIT_REF_NAME: ref.name,
    CI_COMMIT_REF_SLUG: slug(ref.name),
    CI_COMMIT_REF_PROTECTED: String(ref.isProtected),
    CI_CONFIG_REF_URI: configRefUri(facts),
    ...(ref.kind === "branch" ? { CI_COMMIT_BRANCH: ref.name } : {}),
    ...(ref.kind === "tag"
      ? { CI_COMMIT_TAG: ref.name, CI_COMMIT_TAG_MESSAGE: ref.tagMessage }
      : {}),
    GITLAB_USER_ID: "1",
    GITLAB_USER_LOGIN: user.login,
    GITLAB_USER_NAME: user.name,
    GITLAB_USER_EMAIL: user.email,
  };
}

/** `gitlab.example.com/group/project//.gitlab-ci.yml@refs/heads/main`. */
function configRefUri({ serverUrl, project, ref }: PipelineVariableFacts): string {
  const { host, pathname } = new URL(serverUrl);
  const kinds = { branch: "heads", tag: "tags", "merge-request": "heads" };
  const where = `${host}${pathname.replace(/\/$/, "")}/${project.path}`;
  return `${where}//${project.configPath}@refs/${kinds[ref.kind]}/${ref.name}`;
}

function serverVariables(serverUrl: string): PredefinedVariables {
  const server = new URL(serverUrl);
  const [major = "", minor = "", patch = ""] = SERVER_VERSION.split(".");
  return {
    CI_SERVER: "yes",
    CI_SERVER_NAME: "GitLab",
    CI_SERVER_URL: serverUrl,
    CI_SERVER_HOST: server.hostname,
    CI_SERVER_PORT: portOf(server),
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
    CI_API_V4_URL: `${serverUrl}/api/v4`,
    CI_API_GRAPHQL_URL: `${serverUrl}/api/graphql`,
    CI_TEMPLATE_REGISTRY_HOST: "registry.gitlab.com",
  };
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === "https:" ? "443" : "80");
}

/** Where images of other registries are kept for the groups of a project; names are in lower case. */
function dependencyProxyVariables(serverUrl: string, namespace: string): PredefinedVariables {
  const server = new URL(serverUrl);
  const address = `${server.hostname}:${portOf(server)}`;
  const prefix = (group: string) => `${address}/${group.toLowerCase()}/dependency_proxy/containers`;
  return {
    CI_DEPENDENCY_PROXY_SERVER: address,
    CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX: prefix(namespace.split("/")[0] ?? ""),
    CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX: prefix(namespace),
  };
}

function projectVariables(facts: PipelineVariableFacts, url: string): PredefinedVariables {
  const { id, path, defaultBranch, configPath, visibility } = facts.project;
  const [name = "", ...parents] = path.split("/").toReversed();
  const namespace = parents.toReversed().join("/");
  return {
    CI_PROJECT_ID: String(id),
    CI_PROJECT_NAME: name,
    CI_PROJECT_TITLE: name,
    CI_PROJECT_DESCRIPTION: "",
    CI_PROJECT_TOPICS: "",
    CI_PROJECT_PATH: path,
    CI_PROJECT_PATH_SLUG: slug(path),
    CI_PROJECT_NAMESPACE: namespace,
    CI_PROJECT_NAMESPACE_ID: "1",
    CI_PROJECT_NAMESPACE_SLUG: slug(namespace),
    CI_PROJECT_ROOT_NAMESPACE: namespace.split("/")[0] ?? "",
    CI_PROJECT_ROOT_NAMESPACE_SLUG: slug(namespace.split("/")[0] ?? ""),
    CI_PROJECT_URL: url,
    CI_PROJECT_VISIBILITY: visibility,
    CI_PROJECT_REPOSITORY_LANGUAGES: "",
    CI_PROJECT_CLASSIFICATION_LABEL: "",
    CI_DEFAULT_BRANCH: defaultBranch,
    CI_DEFAULT_BRANCH_SLUG: slug(defaultBranch),
    CI_CONFIG_PATH: configPath,
    CI_PAGES_DOMAIN: pagesDomain(facts.serverUrl),
    ...dependencyProxyVariables(facts.serverUrl, namespace),
  };
}

/** Other instances have it where nobody but they can tell: theirs is the one of no configuration. */
function pagesDomain(serverUrl: string): string {
  return serverUrl === "https://gitlab.com" ? "gitlab.io" : "example.com";
}

function commitVariables({ commit }: PipelineVariableFacts): PredefinedVariables {
  const { sha, beforeSha, author, timestamp } = commit;
  const bytes = Buffer.from(commit.message);
  const isTruncated = bytes.length > LONGEST_MESSAGE_BYTES;
  const message = isTruncated
    ? new TextDecoder().decode(bytes.subarray(0, LONGEST_MESSAGE_BYTES)).replace(/\ufffd+$/, "")
    : commit.message;
  const [title = "", ...rest] = message.split("\n");
  // With a long title, GitLab takes the whole message for the description.
  // The empty line below the title is part of it.
  const description = title.length < 100 ? rest.join("\n").replace(/\r?\n$/, "") : message;
  return {
    CI_COMMIT_SHA: sha,
    CI_COMMIT_SHORT_SHA: sha.slice(0, 8),
    CI_COMMIT_BEFORE_SHA: beforeSha,
    CI_COMMIT_MESSAGE: message,
    CI_COMMIT_MESSAGE_IS_TRUNCATED: String(isTruncated),
    CI_COMMIT_TITLE: title,
    CI_COMMIT_DESCRIPTION: description,
    CI_COMMIT_TIMESTAMP: timestamp,
    CI_COMMIT_AUTHOR: author,
    CI_COMMIT_USER_LOGIN: "",
  };
}

/** What one job has beside them. */
export interface JobVariableFacts {
  readonly serverUrl: string;
  readonly projectPath: string;
  readonly jobId: number;
  /** Of the outermost pipeline. */
  readonly pipelineId: number;
  readonly name: string;
  readonly stage: string;
  /** Empty: none. */
  readonly image: string;
  readonly startedAt: string;
  readonly timeoutSeconds: number;
  readonly node: { readonly index: number; readonly total: number } | undefined;
  /** That the job asks for. */
  readonly tags: readonly string[];
  readonly runner: {
    readonly id: number;
    readonly description: string;
    readonly tags: readonly string[];
  };
}

export function jobOwnVariables(facts: JobVariableFacts): PredefinedVariables {
  const { name, image, node, runner, pipelineId, jobId } = facts;
  return {
    CI_JOB_ID: String(facts.jobId),
    CI_JOB_URL: `${facts.serverUrl}/${facts.projectPath}/-/jobs/${facts.jobId}`,
    CI_JOB_STARTED_AT: facts.startedAt,
    CI_JOB_STARTED_AT_SLUG: slug(facts.startedAt),
    CI_REGISTRY_USER: "gitlab-ci-token",
    CI_DEPENDENCY_PROXY_USER: "gitlab-ci-token",
    CI_JOB_NAME: name,
    CI_JOB_NAME_SLUG: slug(name),
    CI_JOB_GROUP_NAME: name.replace(/[ \d/:,[\]]+$/, "") || name,
    CI_JOB_STAGE: facts.stage,
    ...(image === "" ? {} : { CI_JOB_IMAGE: image }),
    ...(node === undefined ? {} : { CI_NODE_INDEX: String(node.index) }),
    CI_NODE_TOTAL: String(node?.total ?? 1),
    CI_JOB_TIMEOUT: String(facts.timeoutSeconds),
    CI_JOB_STATUS: "running",
    CI_JOB_TAGS: tagsText(facts.tags),
    ...pagesVariables(facts),
    ...traceVariables(pipelineId, jobId),
    CI_RUNNER_ID: String(runner.id),
    CI_RUNNER_DESCRIPTION: runner.description,
    CI_RUNNER_TAGS: tagsText(runner.tags),
  };
}

/** `["a", "b"]`, as Ruby writes a list. */
function tagsText(tags: readonly string[]): string {
  return `[${tags.map((tag) => JSON.stringify(tag)).join(", ")}]`;
}

/** For a project that has no domain of its own. */
function pagesVariables({ serverUrl, projectPath }: JobVariableFacts): PredefinedVariables {
  const [root = "", ...rest] = projectPath.split("/");
  const hostname = `${root.toLowerCase()}.${pagesDomain(serverUrl)}`;
  const isRoot = rest.length === 1 && rest[0]?.toLowerCase() === hostname;
  return {
    CI_PAGES_HOSTNAME: hostname,
    CI_PAGES_URL: `https://${hostname}${isRoot ? "" : `/${rest.join("/")}`}`,
  };
}

/** W3C's Trace Context: the outermost pipeline is the trace, and each job a span of it. */
export function traceVariables(pipelineId: number, jobId: number): PredefinedVariables {
  const trace = pipelineId.toString(16).padStart(32, "0");
  const span = Bun.hash(`${pipelineId}:${jobId}`).toString(16).padStart(16, "0");
  return {
    CI_TRACEPARENT: `00-${trace}-${span}-01`,
    CI_TRACESTATE: `gitlab=pipeline:${pipelineId};job:${jobId}`,
  };
}

/** Variables with a job's token, which no log may show. */
export function tokenVariables(token: string): PredefinedVariables {
  return {
    CI_JOB_TOKEN: token,
    CI_REGISTRY_PASSWORD: token,
    CI_DEPENDENCY_PROXY_PASSWORD: token,
  };
}

/** Lower case, everything but letters and digits a dash, at most 63 characters, none at the ends. */
export function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, "-").slice(0, 63).replaceAll(/^-+|-+$/g, "");
}
