/** Whole job logs, byte for byte. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { expectGolden } from "./golden.ts";
import { expectFailure, expectSuccess, Lab, sections } from "./lab.ts";

let lab: Lab;
let stamped: Lab;
beforeAll(async () => {
  [lab, stamped] = await Promise.all([Lab.open(), Lab.open({ timestamps: true })]);
  lab.start();
  stamped.start();
});
afterAll(async () => {
  await Promise.all([lab[Symbol.asyncDispose](), stamped[Symbol.asyncDispose]()]);
});

const SCRIPT = ['echo "hello $CI_JOB_NAME"', "if true; then\n  echo multi\nfi"];

test("log of a job that succeeds equals the golden one", async () => {
  const { app } = lab.repositories;
  const job = await lab.run({
    name: "test-job",
    script: SCRIPT,
    afterScript: "echo after",
    repository: app,
  });
  expectSuccess(job);
  expectGolden(lab, job, "success");
});

test("log of a job that fails equals the golden one, and tells the exit code", async () => {
  const job = await lab.run({
    name: "test-job",
    script: ["echo before", "exit 7", "echo never"],
    afterScript: ['echo "status is $CI_JOB_STATUS"'],
  });
  expectFailure(job, "script_failure", 7);
  expectGolden(lab, job, "failure");
});

test("log of a job with a cache and artifacts equals the golden one", async () => {
  const job = await lab.run({
    name: "pack",
    script: ["mkdir vendor out", "echo lib > vendor/lib", "echo one > out/one.txt"],
    cache: [{ key: "deps", paths: ["vendor/"], policy: "pull-push", when: "on_success" }],
    artifacts: [{
      name: "pack",
      paths: ["out/"],
      when: "on_success",
      artifact_type: "archive",
      artifact_format: "zip",
    }],
    variables: { GIT_STRATEGY: "clone" },
    repository: lab.repositories.app,
  });
  expectSuccess(job);
  expectGolden(lab, job, "cache_and_artifacts");
});

test("log with FF_TIMESTAMPS equals the golden one", async () => {
  const job = await stamped.run({ name: "test-job", script: [...SCRIPT, "printf no-newline"] });
  expectSuccess(job);
  expectGolden(stamped, job, "timestamps");
});

test("job without repository has all sections in GitLab Runner's order", async () => {
  const job = await lab.run({
    script: "echo x > f.txt",
    afterScript: "true",
    cache: [{ key: "order", paths: ["f.txt"], policy: "pull-push" }],
    artifacts: [{ paths: ["f.txt"], artifact_type: "archive", artifact_format: "zip" }],
  });
  expectSuccess(job);
  expect(sections(job.text)).toEqual([
    "prepare_executor",
    "prepare_script",
    "get_sources",
    "restore_cache",
    "step_script",
    "after_script",
    "archive_cache",
    "upload_artifacts_on_success",
    "cleanup_file_variables",
    // Our own, closed, in front of the result.
    "job_summary",
  ]);
  const ends = [...job.text.matchAll(/section_end:\d+:([\w.-]+)/g)].map(([, name]) => name);
  expect(ends).toEqual(sections(job.text));
});

test("runner shows the coordinator nothing that a correct runner does not do", () => {
  lab.expectNoFindings();
  stamped.expectNoFindings();
});
