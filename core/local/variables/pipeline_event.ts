/** What makes a pipeline: an event on a ref, told by flags and by git. */

import { ConfigurationError } from "../../errors.ts";
import type { Commit, RepositoryFacts } from "../snapshot/repository_facts.ts";

export type EventName = "push" | "merge_request" | "tag" | "schedule" | "web";

export interface EventFlags {
  readonly event: EventName | undefined;
  readonly branch: string | undefined;
  readonly tag: string | undefined;
  /** `--mr [TARGET]`: the target branch; empty: the default branch. */
  readonly mergeRequest: string | undefined;
}

export interface PipelineEvent {
  /** `CI_PIPELINE_SOURCE`. */
  readonly source: string;
  readonly kind: "branch" | "tag" | "merge-request";
  /** The branch or tag; for a merge request its source branch. */
  readonly ref: string;
  /** Of a merge request. */
  readonly target: string | undefined;
  readonly defaultBranch: string;
  /** The commit that the push began from; zeros where there is none. */
  readonly beforeSha: string;
  readonly tagMessage: string;
}

const SOURCES: Readonly<Record<EventName, string>> = {
  push: "push",
  tag: "push",
  merge_request: "merge_request_event",
  schedule: "schedule",
  web: "web",
};

/** Throws ConfigurationError for flags that contradict each other. */
export function pipelineEvent(
  flags: EventFlags,
  facts: RepositoryFacts,
  remote: string,
): PipelineEvent {
  const name = eventName(flags);
  const branch = flags.branch ?? facts.branch ?? detachedBranch(facts);
  const defaultBranch = defaultBranchOf(facts, remote);
  const base = { source: SOURCES[name], defaultBranch, tagMessage: "" };
  const none = "0".repeat(facts.head?.sha.length ?? 40);
  if (name === "tag") {
    const ref = flags.tag || tagAtHead(facts);
    const tagMessage = facts.refs.find((each) => each.name === `refs/tags/${ref}`)?.message ?? "";
    return { ...base, kind: "tag", ref, target: undefined, beforeSha: none, tagMessage };
  }
  if (name === "merge_request") {
    const target = flags.mergeRequest || defaultBranch;
    return { ...base, kind: "merge-request", ref: branch, target, beforeSha: none };
  }
  const beforeSha = name === "push" ? pushedBefore(facts, remote, branch, none) : none;
  return { ...base, kind: "branch", ref: branch, target: undefined, beforeSha };
}

function eventName({ event, tag, mergeRequest }: EventFlags): EventName {
  if (tag !== undefined && mergeRequest !== undefined) {
    throw new ConfigurationError("--tag and --mr exclude each other");
  }
  const implied = tag !== undefined
    ? "tag"
    : mergeRequest !== undefined
    ? "merge_request"
    : undefined;
  if (event !== undefined && implied !== undefined && event !== implied) {
    throw new ConfigurationError(
      `--event ${event} does not go with --${implied === "tag" ? "tag" : "mr"}`,
    );
  }
  return event ?? implied ?? "push";
}

/** A detached HEAD stands for the branch that it is the tip of. */
function detachedBranch({ head, refs }: RepositoryFacts): string {
  const at =
    refs.find(({ name, commit }) => name.startsWith("refs/heads/") && commit === head?.sha) ??
      refs.find(({ name, commit }) =>
        /^refs\/remotes\/[^/]+\/(?!HEAD$)/.test(name) && commit === head?.sha
      );
  return at?.name.replace(/^refs\/(?:heads|remotes\/[^/]+)\//, "") ?? "HEAD";
}

function tagAtHead({ head, refs }: RepositoryFacts): string {
  const tags = refs.filter(({ name, commit }) =>
    name.startsWith("refs/tags/") && commit === head?.sha
  );
  const [tag, ...others] = tags.map(({ name }) => name.slice("refs/tags/".length));
  if (tag !== undefined && others.length === 0) return tag;
  throw new ConfigurationError(
    tag === undefined
      ? "No tag is at HEAD: name one with --tag"
      : `More than one tag is at HEAD (${[tag, ...others].join(", ")}): name one with --tag`,
  );
}

function defaultBranchOf({ refs, branch, config }: RepositoryFacts, remote: string): string {
  const names = new Set(refs.map(({ name }) => name));
  const candidates = [config.get("init.defaultbranch"), "main", "master"];
  const found = candidates.find((name) =>
    name !== undefined &&
    (names.has(`refs/remotes/${remote}/${name}`) || names.has(`refs/heads/${name}`))
  );
  return found ?? branch ?? "main";
}

/** What the remote has of the branch; when it has all of it, the commit before. */
function pushedBefore(
  { head, refs }: RepositoryFacts,
  remote: string,
  branch: string,
  none: string,
): string {
  const pushed = refs.find(({ name }) => name === `refs/remotes/${remote}/${branch}`)?.commit;
  if (pushed === undefined) return none;
  return pushed === head?.sha ? parentOf(head) ?? none : pushed;
}

function parentOf(commit: Commit): string | undefined {
  return commit.parent === "" ? undefined : commit.parent;
}
