import { expect, test } from "bun:test";
import { type EventFlags, pipelineEvent } from "../../../../core/local/variables/pipeline_event.ts";
import type { Ref, RepositoryFacts } from "../../../../core/local/snapshot/repository_facts.ts";

const HEAD = "c".repeat(40);
const BEFORE = "b".repeat(40);
const NONE = "0".repeat(40);
const NO_FLAGS: EventFlags = {
  event: undefined,
  branch: undefined,
  tag: undefined,
  mergeRequest: undefined,
};

function repository(branch: string | undefined, refs: Record<string, string>): RepositoryFacts {
  return {
    head: {
      sha: HEAD,
      tree: "t",
      parent: BEFORE,
      author: "",
      authorName: "",
      authorEmail: "",
      timestamp: "",
      committedAt: "",
      message: "",
    },
    branch,
    refs: Object.entries(refs).map(([name, commit]): Ref => ({
      name,
      commit,
      object: commit,
      message: "",
    })),
    config: new Map(),
  };
}

const event = (flags: Partial<EventFlags>, facts: RepositoryFacts) =>
  pipelineEvent({ ...NO_FLAGS, ...flags }, facts, "origin");

test("pipelineEvent is a push of the current branch from what the remote has", () => {
  const remote = { "refs/remotes/origin/topic": BEFORE, "refs/remotes/origin/main": BEFORE };
  expect(event({}, repository("topic", { "refs/heads/topic": HEAD, ...remote }))).toMatchObject({
    source: "push",
    kind: "branch",
    ref: "topic",
    defaultBranch: "main",
    beforeSha: BEFORE,
  });
  expect(event({}, repository("new", { "refs/heads/new": HEAD })).beforeSha).toBe(NONE);
});

test("pipelineEvent takes the commit before HEAD when everything has been pushed", () => {
  const facts = repository("main", { "refs/remotes/origin/main": HEAD });
  expect(event({}, facts).beforeSha).toBe(BEFORE);
});

test("pipelineEvent finds the branch of a detached HEAD, and lets flags name another", () => {
  const detached = repository(undefined, { "refs/remotes/origin/topic": HEAD });
  expect(event({}, detached).ref).toBe("topic");
  expect(event({ branch: "other" }, detached).ref).toBe("other");
});

test("pipelineEvent of a merge request has a target, the default branch when none is named", () => {
  const facts = repository("topic", { "refs/heads/main": BEFORE });
  const request = { source: "merge_request_event", kind: "merge-request", ref: "topic" } as const;
  expect(event({ mergeRequest: "" }, facts)).toMatchObject({ ...request, target: "main" });
  expect(event({ mergeRequest: "stable" }, facts).target).toBe("stable");
});

test("pipelineEvent of a tag takes the one at HEAD, and asks when there are several or none", () => {
  const one = { "refs/tags/v1": HEAD, "refs/tags/v0": BEFORE };
  expect(event({ event: "tag" }, repository("main", one))).toMatchObject({
    kind: "tag",
    ref: "v1",
  });
  expect(() => event({ event: "tag" }, repository("main", {}))).toThrow("No tag is at HEAD");
  expect(() => event({ event: "tag" }, repository("main", { ...one, "refs/tags/v2": HEAD })))
    .toThrow("More than one tag is at HEAD (v1, v2)");
});

test("pipelineEvent refuses flags that contradict each other", () => {
  const facts = repository("main", {});
  expect(() => event({ tag: "v1", mergeRequest: "" }, facts)).toThrow("exclude each other");
  expect(() => event({ event: "schedule", tag: "v1" }, facts)).toThrow("does not go with --tag");
});
