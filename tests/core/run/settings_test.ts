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
    afterScriptTimeoutMs: 300_000,
    problems: [],
  });
});

test("jobSettings() names every bad value and goes on with its default", () => {
  const bad = settings({
    GIT_STRATEGY: "copy",
    GET_SOURCES_ATTEMPTS: "11",
    GIT_DEPTH: "x",
    RUNNER_SCRIPT_TIMEOUT: "soon",
    GIT_CHECKOUT: "maybe",
  });
  expect(bad.problems).toEqual([
    'GIT_DEPTH: expected a whole number from 0 to 2147483647, got "x", using 20',
    'GIT_STRATEGY: expected clone, fetch, none, empty, got "copy", using "clone"',
    'GIT_CHECKOUT: expected true or false, got "maybe", using true',
    'GET_SOURCES_ATTEMPTS: expected a whole number from 1 to 10, got "11", using 1',
    'RUNNER_SCRIPT_TIMEOUT: expected a duration such as 10m, got "soon", ignoring it',
  ]);
  expect(bad.getSourcesAttempts).toBe(1);
});

test("jobSettings() lets config.toml forbid debug traces", () => {
  expect(settings({ CI_DEBUG_TRACE: "true" }).debugTrace).toBe(true);
  const forbidden = settings({ CI_DEBUG_TRACE: "true" }, true);
  expect(forbidden.debugTrace).toBe(false);
  expect(forbidden.problems).toHaveLength(1);
});

test("jobSettings() reads durations and flags of git", () => {
  expect(settings({
    RUNNER_SCRIPT_TIMEOUT: "1h30m",
    GIT_CLEAN_FLAGS: "none",
    GIT_SUBMODULE_PATHS: "a  :(exclude)b",
  })).toMatchObject({
    scriptTimeoutMs: 5_400_000,
    gitCleanFlags: undefined,
    submodulePaths: ["a", ":(exclude)b"],
  });
});
