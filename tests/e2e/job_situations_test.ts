/** Whole job logs, byte for byte, in the situations of which logs of GitLab Runner 19.4 are at hand. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { expectGolden } from "./golden.ts";
import { expectFailure, expectSuccess, Lab } from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open()).start();
  // The logs are those of a checkout that is used again.
  expectSuccess(await lab.run({ repository: lab.repositories.app, script: "true" }));
});
afterAll(async () => await lab[Symbol.asyncDispose]());

test("log of a job without sources equals the golden one", async () => {
  const job = await lab.run({ variables: { GIT_STRATEGY: "none" }, script: "true" });
  expectSuccess(job);
  expectGolden(lab, job, "no_sources");
});

test("log of a job whose commit is not there equals the golden one", async () => {
  const { app } = lab.repositories;
  const job = await lab.run({ repository: { ...app, sha: "f".repeat(40) }, script: "true" });
  expectFailure(job, "script_failure", 128);
  expectGolden(lab, job, "bad_sha");
});

test("log of a job with submodules equals the golden one", async () => {
  const job = await lab.run({
    repository: lab.repositories.withSubmodule,
    variables: { GIT_SUBMODULE_STRATEGY: "normal" },
    script: "true",
  });
  expectSuccess(job);
  expectGolden(lab, job, "submodules");
});

test("log of a job whose sources come with the second try equals the golden one", async () => {
  lab.coordinator.inject({
    match: { path: "\\.git/info/refs" },
    action: { kind: "answer", status: 500 },
  });
  const job = await lab.run({
    repository: lab.repositories.app,
    variables: { GET_SOURCES_ATTEMPTS: "2" },
    script: "true",
  });
  expectSuccess(job);
  expectGolden(lab, job, "git_retry");
}, 20_000);

test("log of a job that restores a cache and fetches artifacts equals the golden one", async () => {
  const { app } = lab.repositories;
  const cache = [{ key: "deps", paths: ["vendor/"], policy: "pull-push", when: "on_success" }];
  const maker = await lab.run({
    name: "maker",
    repository: app,
    script: "mkdir out vendor; echo 1 > out/a; echo 2 > vendor/v",
    cache,
    artifacts: [{ paths: ["out/"], artifact_type: "archive", artifact_format: "zip" }],
  });
  expectSuccess(maker);
  const job = await lab.run({
    repository: app,
    script: "cat out/a vendor/v",
    cache,
    dependencies: [maker.job.id],
  });
  expectSuccess(job);
  expectGolden(lab, job, "dependency_and_cache_hit");
});

test("log of a job that meets its time limit equals the golden one", async () => {
  const job = await lab.run({
    timeout: 2,
    variables: { GIT_STRATEGY: "none" },
    script: ["echo begin", "sleep 30"],
    afterScript: "echo never",
  });
  expectFailure(job, "job_execution_timeout");
  expectGolden(lab, job, "timeout");
});

test("log of a job that is canceled equals the golden one", async () => {
  const gate = lab.gate("cancel");
  const job = lab.enqueue({
    variables: { GIT_STRATEGY: "none" },
    // What it prints is told at once, and the answer says that it is canceled.
    script: ["echo started", gate.wait, "echo more", "sleep 60"],
    afterScript: 'echo "after $CI_JOB_STATUS"',
  });
  await lab.printed(job, "started");
  job.cancel("graceful");
  gate.open();
  const canceled = await lab.finished(job);
  expect(canceled.state).toBe("canceled");
  expectGolden(lab, canceled, "canceled");
});
