/** A plan's context for tests, from a payload and the lines of one `[[runners]]` entry. */

import { parseConfig } from "../../../core/config/load.ts";
import { resolveFeatureFlags } from "../../../core/config/feature_flags.ts";
import type { PreparedEnvironment } from "../../../core/executor.ts";
import { JobResponse } from "../../../core/job/response.ts";
import { jobSpec } from "../../../core/job/spec.ts";
import type { PlanContext } from "../../../core/run/context.ts";
import { jobVariables } from "../../../core/run/job_variables.ts";
import { jobPaths } from "../../../core/run/paths.ts";
import { jobSettings } from "../../../core/run/settings.ts";
import { shortToken } from "../../../core/util/token.ts";

export const HEAD = "0123456789abcdef0123456789abcdef01234567";

const environment: PreparedEnvironment = {
  os: "linux",
  hostname: "vm",
  buildsDir: "/builds",
  cacheDir: "/cache",
  sharedBuildsDir: true,
  projectSlot: 0,
  shell: "bash",
  login: true,
  exitPhrase: "exit status",
  helperCommand: ["/usr/bin/runner"],
  variables: {},
};

export function planContext(
  payload: Record<string, unknown> = {},
  runnerLines: readonly string[] = [],
): PlanContext {
  const toml = [
    "[[runners]]",
    'name = "r"',
    'url = "https://gitlab.example.com"',
    'token = "glrt-t1_7e2a9d7ebxxxx"',
    'executor = "shell"',
    ...runnerLines,
  ].join("\n");
  const { config } = parseConfig(toml, { path: "config.toml", env: {} });
  const runner = config.runners[0]!;
  const response = JobResponse.parse(jobPayload(payload));
  const spec = jobSpec(response, { slot: { runner: 0, project: 0 }, tls: {} });
  const { flags } = resolveFeatureFlags({
    config: runner.feature_flags,
    jobVariables: response.variables,
  });
  const paths = jobPaths(spec, environment, shortToken(runner.token.reveal()));
  const variables = jobVariables(spec, runner, environment, flags, paths, { disposable: false });
  const settings = jobSettings(variables, {
    allowGitFetch: spec.allowGitFetch,
    gitDepth: spec.git.depth,
    debugTraceDisabled: false,
  });
  return {
    spec,
    runner,
    environment,
    flags,
    paths,
    variables,
    settings,
    correlationId: "c0ffee",
    startedAt: new Date(0),
  };
}

/** What GitLab sends of a job, with `payload` over it. */
export function jobPayload(payload: Record<string, unknown> = {}) {
  return {
    id: 501,
    token: "glcbt-64_jobtoken",
    allow_git_fetch: true,
    job_info: { name: "unit", stage: "test", project_id: 9 },
    git_info: {
      repo_url: "https://gitlab-ci-token:glcbt-64_jobtoken@gitlab.example.com/group/app.git",
      ref: "main",
      sha: HEAD,
      refspecs: ["+refs/heads/main:refs/remotes/origin/main"],
      depth: 20,
    },
    features: { trace_sections: true },
    ...payload,
  };
}
