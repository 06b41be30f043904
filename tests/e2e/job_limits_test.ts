/** How jobs end before their script does: timeouts, cancels, limits. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { eventually, expectFailure, expectSuccess, Lab } from "./lab.ts";
import { isAlive } from "../fixtures/processes.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({ requestConcurrency: 8, entry: ["output_limit = 10"] })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

/** A script line that tells its process id and that of a background child, and then waits. */
const WAITS = 'sleep 300 & echo "child $!."; echo "self $$."; echo started; wait';

/** The same for a cancel, which reaches the runner with the answer to its next piece of log. */
const TALKS = WAITS.replace("wait", "while :; do echo tick; sleep 0.2; done");

function pids(plain: string): number[] {
  return [...plain.matchAll(/^(?:child|self) (\d+)\.$/gm)].map(([, pid]) => Number(pid));
}

test.concurrent("job timeout ends the job and its processes, with its own reason", async () => {
  const job = await lab.run({
    timeout: 1,
    script: [WAITS, "echo never"],
    afterScript: "echo after",
  });
  expectFailure(job, "job_execution_timeout");
  expect(job.plain).toContain("ERROR: Job failed: execution took longer than 1s seconds");
  expect(job.lines).not.toContain("never");
  expect(job.lines).not.toContain("after");
  expect(pids(job.plain).length).toBe(2);
  expect(pids(job.plain).filter(isAlive)).toEqual([]);
});

test.concurrent("RUNNER_SCRIPT_TIMEOUT ends the script; after_script and artifacts still run", async () => {
  const job = await lab.run({
    variables: { RUNNER_SCRIPT_TIMEOUT: "1s" },
    script: ["echo x > f.txt", WAITS],
    afterScript: 'echo "after $CI_JOB_STATUS"',
    artifacts: [{
      paths: ["f.txt"],
      when: "always",
      artifact_type: "archive",
      artifact_format: "zip",
    }],
  });
  expectFailure(job, "job_execution_timeout");
  expect(job.lines).toContain("after timedout");
  expect(job.plain).toContain("ERROR: Job failed: script timeout: context deadline exceeded");
  expect(job.plain).toMatch(/WARNING: step_script could not run to completion because the timeout/);
  expect(lab.coordinator.artifacts(job.job).length).toBe(1);
  expect(pids(job.plain).filter(isAlive)).toEqual([]);
});

test.concurrent("RUNNER_AFTER_SCRIPT_TIMEOUT ends after_script and leaves the job as it is", async () => {
  const job = await lab.run({
    variables: { RUNNER_AFTER_SCRIPT_TIMEOUT: "1s" },
    script: "true",
    afterScript: ["echo begins", "sleep 300", "echo never"],
  });
  expectSuccess(job);
  expect(job.lines).toContain("begins");
  expect(job.lines).not.toContain("never");
  expect(job.plain).toContain("WARNING: after_script failed, but job will continue unaffected");
});

test.concurrent("get_sources_timeout ends the job with its own words", async () => {
  await using slow = await Lab.open({ entry: ['get_sources_timeout = "1s"'] });
  slow.start();
  const job = await slow.run({
    repository: slow.repositories.app,
    hooks: [{ name: "pre_get_sources_script", script: ["sleep 300"] }],
    script: "echo never",
  });
  expectFailure(job, "job_execution_timeout");
  expect(job.plain).toContain(
    "ERROR: Job failed: get sources timeout: exceeded timeout of 1s",
  );
  expect(job.plain).toContain("WARNING: get_sources could not run to completion");
});

test.concurrent("cancel stops the script's processes and runs after_script with its status", async () => {
  const enqueued = lab.enqueue({
    script: [TALKS, "echo never"],
    afterScript: 'echo "$CI_JOB_STATUS."',
  });
  await lab.printed(enqueued, "started\n");
  lab.coordinator.cancel(enqueued, "graceful");
  const job = await lab.finished(enqueued);
  expect(job.state).toBe("canceled");
  expect(job.lines).toContain("canceled.");
  expect(job.lines).not.toContain("never");
  expect(job.plain).toContain("WARNING: script canceled externally (UI, API)");
  expect(pids(job.plain).filter(isAlive)).toEqual([]);
});

test.concurrent("forced cancel ends everything, after_script too", async () => {
  const mark = lab.path("after-ran");
  const enqueued = lab.enqueue({ script: [TALKS], afterScript: `touch ${mark}` });
  await lab.printed(enqueued, "started\n");
  const alive = pids(await enqueued.trace.text());
  expect(alive.length).toBe(2);
  lab.coordinator.cancel(enqueued, "forced");
  await eventually(() => !alive.some(isAlive), "the end of the job's processes");
  expect(existsSync(mark)).toBe(false);
});

test.concurrent("processes that a script leaves running are ended with it", async () => {
  const job = await lab.run({ script: ['nohup sleep 300 & echo "child $!."', "echo done"] });
  expectSuccess(job);
  expect(pids(job.plain).length).toBe(1);
  expect(pids(job.plain).filter(isAlive)).toEqual([]);
});

test.concurrent("output_limit cuts the log, says so once, and lets the job go on", async () => {
  const mark = lab.path("limit-end");
  const job = await lab.run({
    script: ["head -c 300000 /dev/zero | tr '\\0' x", "echo", `touch ${mark}; echo tail-marker`],
  });
  expectSuccess(job);
  expect(job.text.length).toBeLessThan(20_000);
  expect(job.plain.match(/Job's log exceeded limit of 10240 bytes\./g)?.length).toBe(1);
  expect(job.plain).toContain(
    "Job execution will continue but no more output will be collected.",
  );
  expect(job.lines).not.toContain("tail-marker");
  expect(existsSync(mark)).toBe(true);
});

test.concurrent("a job canceled before its script is not run", async () => {
  const mark = lab.path("canceled-early");
  const enqueued = lab.enqueue({
    hooks: [{ name: "pre_get_sources_script", script: ["echo in-hook", TALKS] }],
    repository: lab.repositories.app,
    script: `touch ${mark}`,
  });
  await lab.printed(enqueued, "in-hook\n");
  lab.coordinator.cancel(enqueued, "graceful");
  const job = await lab.finished(enqueued);
  expect(job.state).toBe("canceled");
  expect(existsSync(mark)).toBe(false);
});
