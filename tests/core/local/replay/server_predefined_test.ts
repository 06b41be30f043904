import { expect, test } from "bun:test";
import {
  ServerJob,
  ServerMergeRequest,
  ServerPipeline,
  ServerProject,
} from "../../../../core/local/replay/server_answers.ts";
import type { ServerFacts } from "../../../../core/local/replay/server_facts.ts";
import { serverPredefined } from "../../../../core/local/replay/server_predefined.ts";

const ADDRESS = { serverUrl: "https://gitlab.example.com", projectPath: "group/app", jobId: 5 };

function job(ref: string) {
  return ServerJob.parse({
    id: 5,
    name: "test",
    ref,
    pipeline: { id: 7 },
    user: { id: 3, username: "ann", name: "Ann" },
  });
}

/** As GitLab answers where there is nothing to tell. */
const FACTS: ServerFacts = {
  project: ServerProject.parse({
    id: 42,
    name: "App",
    description: null,
    path_with_namespace: "group/app",
    namespace: { id: 9, kind: "group", full_path: "group" },
    visibility: "internal",
    default_branch: "main",
    topics: ["Go", "CI"],
    ci_config_path: null,
    container_registry_image_prefix: "registry.example.com:5050/group/app",
  }),
  pipeline: ServerPipeline.parse({
    id: 7,
    iid: 2,
    sha: "c".repeat(40),
    source: "push",
    name: null,
    created_at: "2026-01-01T00:00:00Z",
    web_url: "https://gitlab.example.com/group/app/-/pipelines/7",
  }),
  mergeRequest: undefined,
  ref: undefined,
  version: { version: "18.9.1-ee", revision: "0123abcd" },
};

test("serverPredefined() tells what the server knows of project, pipeline, job and itself", () => {
  expect(serverPredefined(ADDRESS, job("main"), FACTS)).toMatchObject({
    CI_PROJECT_ID: "42",
    CI_PROJECT_TITLE: "App",
    CI_PROJECT_DESCRIPTION: "",
    CI_PROJECT_TOPICS: "go,ci",
    CI_PROJECT_NAMESPACE_ID: "9",
    CI_PROJECT_VISIBILITY: "internal",
    CI_REGISTRY: "registry.example.com:5050",
    CI_REGISTRY_IMAGE: "registry.example.com:5050/group/app",
    CI_PIPELINE_ID: "7",
    CI_PIPELINE_IID: "2",
    CI_PIPELINE_NAME: "",
    CI_COMMIT_REF_PROTECTED: "false",
    CI_JOB_ID: "5",
    CI_JOB_URL: "https://gitlab.example.com/group/app/-/jobs/5",
    CI_TRACESTATE: "gitlab=pipeline:7;job:5",
    GITLAB_USER_LOGIN: "ann",
    CI_SERVER_VERSION: "18.9.1-ee",
    CI_SERVER_VERSION_PATCH: "1",
    CI_SERVER_REVISION: "0123abcd",
  });
});

test("serverPredefined() tells of the merge request, and leaves out what it does not have", () => {
  const mergeRequest = ServerMergeRequest.parse({
    id: 100,
    iid: 4,
    title: "Change it",
    description: "x".repeat(3000),
    source_branch: "topic",
    target_branch: "main",
    source_project_id: 43,
    draft: true,
    squash: true,
    labels: ["a", "b"],
    assignees: [],
    milestone: null,
    diff_refs: { base_sha: "d".repeat(40) },
  });
  const found = serverPredefined(ADDRESS, job("refs/merge-requests/4/merge"), {
    ...FACTS,
    mergeRequest,
  });
  expect(found).toMatchObject({
    CI_OPEN_MERGE_REQUESTS: "group/app!4",
    CI_MERGE_REQUEST_ID: "100",
    CI_MERGE_REQUEST_IID: "4",
    CI_MERGE_REQUEST_DESCRIPTION: "x".repeat(2700),
    CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED: "true",
    CI_MERGE_REQUEST_LABELS: "a,b",
    CI_MERGE_REQUEST_DRAFT: "true",
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "43",
    CI_MERGE_REQUEST_EVENT_TYPE: "merged_result",
    CI_MERGE_REQUEST_DIFF_BASE_SHA: "d".repeat(40),
  });
  expect(Object.keys(found)).not.toContain("CI_MERGE_REQUEST_ASSIGNEES");
  expect(Object.keys(found)).not.toContain("CI_MERGE_REQUEST_MILESTONE");
});
