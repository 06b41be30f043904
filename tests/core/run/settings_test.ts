import { expect, test } from "bun:test";
import { JobVariables, runnerVariable } from "../../../core/job/variables.ts";
import { jobSettings } from "../../../core/run/settings.ts";

function settings(values: Record<string, string>, debugTraceDisabled = false) {
  const variables = new JobVariables(
    Object.entries(values).map(([key, value]) => runnerVariable(key, value)),
    "/t",
  );
  return jobSettings(variables, { allowGitFetch: false, gitDepth: 20, debugTraceDisabled });
}

test("jobSettings() takes the payload's word where no variable says otherwise", () => {
  expect(settings({})).toMatchObject({
    gitStrategy: "clone",
    gitDepth: 20,
    gitCleanFlags: ["-ffdx"],
    gitFetchFlags: ["--prune", "--quiet"],
    problems: [],
  });
});

test("jobSettings() names every bad value in GitLab Runner's words and goes on", () => {
  const bad = settings({
    GIT_STRATEGY: "copy",
    GET_SOURCES_ATTEMPTS: "11",
    GIT_DEPTH: "x",
    RESTORE_CACHE_ATTEMPTS: "-1",
    GIT_CHECKOUT: "maybe",
    GIT_SUBMODULE_STRATEGY: "deep",
  });
  expect(bad.problems).toEqual([
    'GIT_DEPTH: expected int got "x", using default value: 20',
    "GIT_STRATEGY: expected either 'clone', 'fetch', 'none' or 'empty' got \"copy\", " +
    "using default value 'clone'",
    'GIT_CHECKOUT: expected bool got "maybe", using default value: true',
    "GIT_SUBMODULE_STRATEGY: expected either 'normal', 'recursive' or 'none' got \"deep\"",
    "GET_SOURCES_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 10",
    "RESTORE_CACHE_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 1",
  ]);
  expect(bad.getSourcesAttempts).toBe(10);
});

test("jobSettings() lets config.toml forbid debug traces and the logs of services", () => {
  const wanted = { CI_DEBUG_TRACE: "true", CI_DEBUG_SERVICES: "true" };
  expect(settings(wanted)).toMatchObject({ debugTrace: true, debugServices: true, problems: [] });
  expect(settings(wanted, true)).toMatchObject({
    debugTrace: false,
    debugServices: false,
    problems: [
      "CI_DEBUG_TRACE: usage is disabled on this Runner",
      "CI_DEBUG_SERVICES: usage is disabled on this Runner",
    ],
  });
});

test("jobSettings() reads how often a stage may be begun whose container is taken away", () => {
  expect(settings({}).sectionAttempts).toBe(1);
  expect(settings({ EXECUTOR_JOB_SECTION_ATTEMPTS: "3" }).sectionAttempts).toBe(3);
  const { sectionAttempts, problems } = settings({ EXECUTOR_JOB_SECTION_ATTEMPTS: "999" });
  expect(sectionAttempts).toBe(10);
  expect(problems).toEqual([
    "EXECUTOR_JOB_SECTION_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 10",
  ]);
});

test("jobSettings() reads flags of git", () => {
  expect(settings({
    GIT_CLEAN_FLAGS: "none",
    GIT_SUBMODULE_PATHS: "a  :(exclude)b",
  })).toMatchObject({
    gitCleanFlags: undefined,
    submodulePaths: ["a", ":(exclude)b"],
  });
});
