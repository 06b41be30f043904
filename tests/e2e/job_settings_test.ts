/** What a job asks for and cannot have: where its log says so, and how it ends. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { FEATURE_FLAGS, unbuiltFlag } from "../../core/config/feature_flags.ts";
import { expectFailure, expectSuccess, Lab } from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({ requestConcurrency: 4 })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

test.concurrent("settings that cannot be heeded are named in one warning right after the header", async () => {
  const job = await lab.run({
    repository: lab.repositories.app,
    variables: { GIT_STRATEGY: "sideways", GET_SOURCES_ATTEMPTS: "99", FF_CONCRETE: "true" },
    script: "true",
  });
  expectSuccess(job);
  const [, , flags, ...rest] = job.lines;
  expect(flags).toBe("  feature flags: FF_TIMESTAMPS:false, FF_CONCRETE:true");
  expect(rest.slice(0, 4)).toEqual([
    "WARNING: GIT_STRATEGY: expected either 'clone', 'fetch', 'none' or 'empty' got \"sideways\", " +
    "using default value 'fetch'",
    "GET_SOURCES_ATTEMPTS: number of attempts out of the range [1, 10], clamping to: 10",
    "FF_CONCRETE: not built yet, jobs run stage by stage",
    'Preparing the "shell" executor',
  ]);
  expect(job.plain.match(/sideways/g)).toHaveLength(1);
});

test.concurrent("every feature flag that a job turns on and that has no effect is told of once", async () => {
  const flags = Object.keys(FEATURE_FLAGS).filter((flag) => unbuiltFlag(flag) !== undefined);
  expect(flags.length).toBeGreaterThan(5);
  const variables = Object.fromEntries(flags.map((flag) => [flag, "true"]));
  const job = await lab.run({ variables, script: "true" });
  expectSuccess(job);
  const told = job.lines.filter((line) => /^(WARNING: )?FF_\w+: not built yet, /.test(line));
  expect(told.map((line) => /FF_\w+/.exec(line)?.[0])).toEqual(flags);
});

test.concurrent("a cache policy and a submodule strategy that are none are system failures", async () => {
  const { app } = lab.repositories;
  const cache = [{ key: "k", paths: ["f"], policy: "take" }];
  const [policy, strategy] = await Promise.all([
    lab.run({ script: "touch f", cache }),
    lab.run({ repository: app, variables: { GIT_SUBMODULE_STRATEGY: "deep" }, script: "true" }),
  ]);
  expectFailure(policy, "runner_system_failure");
  expect(policy.plain).toContain("Job failed (system failure): unknown cache policy take for k");
  expectFailure(strategy, "runner_system_failure");
  expect(strategy.plain).toContain("Job failed (system failure): unknown GIT_SUBMODULE_STRATEGY");
});
