/** What composing asks about the commit, the event and the project, answered by git. */

import { basename } from "node:path";
import {
  pipelineVariables,
  type PredefinedVariables,
  slug,
} from "../../job/predefined_variables.ts";
import type { PipelineFacts, PipelineVariable } from "../../pipeline/pipeline.ts";
import { PIPELINE_ID, PROJECT_ID } from "../job_response.ts";
import { remoteName, type Sources } from "../sources.ts";
import type { PipelineEvent } from "./pipeline_event.ts";
import { type RemoteProject, remoteProject } from "./remote.ts";

export interface FactsOptions {
  readonly sources: Sources;
  readonly event: PipelineEvent;
  readonly project: RemoteProject;
  /** The CI file, relative to the project. */
  readonly configPath: string;
  readonly now: Date;
  /** The user's settings. */
  readonly settings: Readonly<Record<string, PipelineVariable>>;
  /** The command line. */
  readonly pipeline: Readonly<Record<string, PipelineVariable>>;
}

export function projectOf({ facts, tree }: Pick<Sources, "facts" | "tree">): RemoteProject {
  const url = facts.config.get(`remote.${remoteName(facts)}.url`);
  return remoteProject(url, basename(tree.root));
}

export function pipelineFacts(options: FactsOptions): PipelineFacts {
  const { sources, event, settings, pipeline } = options;
  const compare = new Comparison(sources, event);
  return {
    source: event.source,
    ref: event.ref,
    isTag: event.kind === "tag",
    defaultBranch: event.defaultBranch,
    predefined: {
      ...predefined(options),
      ...registryVariables(options.project),
      ...(event.source === "schedule" ? { CI_PIPELINE_SCHEDULE_DESCRIPTION: "" } : {}),
      ...baseVariables(options),
      ...mergeRequestVariables(options),
    },
    project: settings,
    pipeline,
    changedFiles: (compareTo) => compare.changed(compareTo),
    files: () => compare.files(),
    filesOf: () => undefined,
  };
}

function predefined(options: FactsOptions): PredefinedVariables {
  const { sources, event, project: { serverUrl, path }, configPath, now } = options;
  const { facts } = sources;
  const name = facts.config.get("user.name") ?? "Local User";
  const email = facts.config.get("user.email") ?? "user@localhost";
  return pipelineVariables({
    serverUrl,
    project: {
      id: PROJECT_ID,
      path,
      defaultBranch: event.defaultBranch,
      configPath,
      visibility: "private",
    },
    pipeline: {
      id: PIPELINE_ID,
      source: event.source,
      createdAt: now.toISOString().replace(/\.\d+/, ""),
      name: "",
    },
    commit: {
      sha: facts.head?.sha ?? sources.sha,
      beforeSha: event.beforeSha,
      message: facts.head?.message ?? "",
      author: facts.head?.author ?? `${name} <${email}>`,
      timestamp: facts.head?.timestamp ?? now.toISOString().replace(/\.\d+/, ""),
    },
    ref: {
      name: event.ref,
      kind: event.kind,
      isProtected: event.ref === event.defaultBranch,
      tagMessage: event.tagMessage,
    },
    user: { login: slug(email.split("@")[0] ?? "user"), name, email },
  });
}

/** Other instances have their registry where nobody but they can tell. */
function registryVariables({ serverUrl, path }: RemoteProject): PredefinedVariables {
  if (serverUrl !== "https://gitlab.com") return {};
  const registry = "registry.gitlab.com";
  return { CI_REGISTRY: registry, CI_REGISTRY_IMAGE: `${registry}/${path.toLowerCase()}` };
}

/** Of a branch that is not the default one: where the two have parted. */
function baseVariables({ sources, event }: FactsOptions): PredefinedVariables {
  if (event.kind !== "branch" || event.ref === event.defaultBranch) return {};
  const base = new Comparison(sources, event).mergeBase(event.defaultBranch);
  return base === undefined ? {} : { CI_COMMIT_DEFAULT_BRANCH_BASE_SHA: base };
}

/** Nobody is assigned, nothing approved, and there is no label: such variables are not there. */
function mergeRequestVariables({ sources, event, project }: FactsOptions): PredefinedVariables {
  if (event.target === undefined) return {};
  const { serverUrl, path } = project;
  const { facts } = sources;
  const url = `${serverUrl}/${path}`;
  const [title = ""] = (facts.head?.message ?? "").split("\n", 1);
  return {
    CI_OPEN_MERGE_REQUESTS: `${path}!1`,
    CI_MERGE_REQUEST_DIFF_BASE_SHA: new Comparison(sources, event).mergeBase(event.target) ?? "",
    CI_MERGE_REQUEST_DIFF_ID: "1",
    CI_MERGE_REQUEST_DESCRIPTION: "",
    CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED: "false",
    CI_MERGE_REQUEST_DRAFT: "false",
    CI_MERGE_REQUEST_EVENT_TYPE: "detached",
    CI_MERGE_REQUEST_ID: "1",
    CI_MERGE_REQUEST_IID: "1",
    CI_MERGE_REQUEST_PROJECT_ID: String(PROJECT_ID),
    CI_MERGE_REQUEST_PROJECT_PATH: path,
    CI_MERGE_REQUEST_PROJECT_URL: url,
    CI_MERGE_REQUEST_REF_PATH: "refs/merge-requests/1/head",
    CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: event.ref,
    CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED: "false",
    CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: "",
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: String(PROJECT_ID),
    CI_MERGE_REQUEST_SOURCE_PROJECT_PATH: path,
    CI_MERGE_REQUEST_SOURCE_PROJECT_URL: url,
    CI_MERGE_REQUEST_SQUASH_ON_MERGE: "false",
    CI_MERGE_REQUEST_TARGET_BRANCH_NAME: event.target,
    CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED: String(event.target === event.defaultBranch),
    CI_MERGE_REQUEST_TARGET_BRANCH_SHA: "",
    CI_MERGE_REQUEST_TITLE: title,
  };
}

/** What differs between commits. Only asked when a rule needs it, so it may hold up the process. */
class Comparison {
  readonly #sources: Sources;
  readonly #event: PipelineEvent;

  constructor(sources: Sources, event: PipelineEvent) {
    this.#sources = sources;
    this.#event = event;
  }

  changed(compareTo: string | undefined): readonly string[] | "unknown-ref" | undefined {
    const { sha } = this.#sources;
    const base = compareTo === undefined ? this.#base() : this.mergeBase(compareTo);
    if (base === undefined) return compareTo === undefined ? undefined : "unknown-ref";
    return this.#list(["diff", "--name-only", "--no-renames", "-z", base, sha]);
  }

  files(): readonly string[] {
    return this.#list(["ls-tree", "-r", "--name-only", "-z", this.#sources.sha]) ?? [];
  }

  mergeBase(ref: string): string | undefined {
    const { facts, sha } = this.#sources;
    const remote = remoteName(facts);
    const names = [`refs/remotes/${remote}/${ref}`, `refs/heads/${ref}`, `refs/tags/${ref}`];
    const commit = names.map((name) => facts.refs.find((each) => each.name === name)?.commit)
      .find((found) => found !== undefined) ?? ref;
    return this.#list(["merge-base", commit, sha])?.[0]?.trim();
  }

  #base(): string | undefined {
    const { target, beforeSha } = this.#event;
    if (target !== undefined) return this.mergeBase(target);
    return /^0+$/.test(beforeSha) ? undefined : beforeSha;
  }

  #list(args: readonly string[]): readonly string[] | undefined {
    const { git, repository } = this.#sources;
    const output = git.askNow(args, { env: { GIT_DIR: repository.path } });
    return output?.split("\0").filter((path) => path !== "");
  }
}
