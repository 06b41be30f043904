/** Payloads with one field of another kind: they are refused, or planned like any other. */

import { expect, test } from "bun:test";
import { JobConfigurationError, SystemFailure } from "../../core/errors.ts";
import { interpolateInputs } from "../../core/job/inputs.ts";
import { JobResponse } from "../../core/job/response.ts";
import { planJob } from "../../core/run/plan.ts";
import { bash } from "../../shells/bash.ts";
import { planContext } from "../core/run/context.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const PAYLOAD: Json = {
  id: 1,
  token: "job-token",
  allow_git_fetch: true,
  job_info: { name: "n", stage: "s", project_id: 1, time_in_queue_seconds: 0.5 },
  git_info: {
    repo_url: "https://u:p@h/a/b.git",
    ref: "main",
    sha: "a".repeat(40),
    refspecs: ["+refs/heads/main:refs/remotes/origin/main"],
    depth: 20,
    repo_object_format: "sha1",
    protected: false,
  },
  runner_info: { timeout: 60 },
  variables: [
    { key: "A", value: "$B", public: true, masked: false, file: false, raw: false },
    { key: "GIT_SUBMODULE_STRATEGY", value: "recursive" },
    { key: "F", value: "text", file: true },
  ],
  steps: [
    { name: "script", script: ["echo ${{ job.inputs.a }}"], timeout: 60, when: "always" },
    { name: "release", script: ["r $A"] },
    { name: "after_script", script: ["a"] },
  ],
  image: { name: "i", entrypoint: ["e"], command: ["c"], pull_policy: ["always"], ports: [] },
  services: [{ name: "s", alias: "a", variables: [{ key: "V", value: "v" }] }],
  artifacts: [{
    name: "$A",
    paths: ["p"],
    exclude: ["x"],
    when: "always",
    expire_in: "1 day",
    artifact_type: "archive",
    artifact_format: "zip",
    untracked: true,
  }],
  cache: [{ key: "$A", paths: ["p"], policy: "pull-push", fallback_keys: ["f"], untracked: true }],
  credentials: [{ type: "registry", url: "u", username: "n", password: "p" }],
  dependencies: [{ id: 2, name: "d", token: "t", artifacts_file: { filename: "f", size: 1 } }],
  features: { trace_sections: true, failure_reasons: ["r"], token_mask_prefixes: ["glx-"] },
  hooks: [{ name: "pre_get_sources_script", script: ["h"] }],
  inputs: [{ key: "a", value: { type: "string", content: "v", sensitive: false } }],
  policy_options: { execution_policy_job: true, policy_name: "p" },
};

const STRANGE: readonly Json[] = [
  null,
  "",
  "strange",
  "a\0b\r\n\u001b[31m'\"`$(id)${",
  0,
  -1,
  1.5,
  1e300,
  true,
  [],
  [{}],
  {},
  { __proto__: null, constructor: "x", toString: null },
];

test("JobResponse and planJob() take any payload, or say what is wrong with it", () => {
  let planned = 0;
  for (const path of paths(PAYLOAD)) {
    for (const strange of [...STRANGE, undefined]) {
      const parsed = JobResponse.safeParse(changed(PAYLOAD, path, strange));
      if (!parsed.success) continue;
      if (isPlanned(parsed.data)) planned++;
    }
  }
  expect(planned).toBeGreaterThan(300);
});

function isPlanned(job: JobResponse): boolean {
  try {
    const plan = planJob(planContext({ ...interpolateInputs(job) }));
    const stages = [
      plan.getSources,
      plan.restoreCache,
      plan.downloadArtifacts,
      ...plan.steps,
      plan.afterScript("failed"),
      plan.archiveCache("success"),
      plan.uploadArtifacts("failure"),
      plan.cleanup,
    ];
    for (const { ops } of stages) bash.render(ops, { debugTrace: false, checkExitCodes: true });
    return true;
  } catch (error) {
    if (error instanceof JobConfigurationError || error instanceof SystemFailure) return false;
    throw error;
  }
}

type Path = readonly (string | number)[];

function paths(value: Json, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = [...path, Array.isArray(value) ? Number(name) : name];
    return [here, ...paths(member, here)];
  });
}

/** A copy with another value at `path`; undefined takes the field away. */
function changed(value: Json, path: Path, to: Json | undefined): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  const entries = Object.entries(value as object).map(([name, member]) =>
    String(key) === name ? [name, changed(member, rest, to)] : [name, member]
  ).filter(([, member]) => member !== undefined);
  return Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
}
