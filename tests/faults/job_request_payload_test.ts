/** Faults of protocol section 16.2, job request: what the answer with a job holds. */

import { expect, setDefaultTimeout, test } from "bun:test";

import type { EmbeddedJob } from "../../core/embedded/mod.ts";
import { buildPayload, JobDescription, type JobPayload } from "../../core/embedded/payload.ts";
import { Bench, eventually, JOB_REQUEST, traceLines } from "./harness.ts";

setDefaultTimeout(30_000);

/** The payload that the coordinator would make of a job with this script. */
function payloadOf(job: EmbeddedJob, baseUrl: string, script: string): JobPayload {
  return buildPayload(JobDescription.parse({ script }), {
    id: job.id,
    token: job.token,
    baseUrl,
    mode: "modern",
    runnerId: 1,
    runnerDescription: "",
    queuedSeconds: 1,
    queueSize: 1,
    archiveOf: () => undefined,
  });
}

async function stateOf(bench: Bench, job: EmbeddedJob): Promise<string[]> {
  await job.finished;
  return bench.updates(job).map(({ body }) => JSON.parse(body ?? "").state);
}

/** The job is answered for: accepted, then failed, with one line in its log that says why. */
async function expectFailed(
  bench: Bench,
  job: EmbeddedJob,
  why: { readonly failureReason: string; readonly line: RegExp },
): Promise<void> {
  await bench.expectDelivered(job, {
    state: "failed",
    failureReason: why.failureReason,
    prints: [],
  });
  expect(await stateOf(bench, job)).toEqual(["running", "failed"]);
  expect((await traceLines(job)).filter((line) => why.line.test(line))).toHaveLength(1);
}

test.concurrent("fault 4: a 201 that is HTML brings no job, is logged as an error, and the runner stays up", async () => {
  await using bench = await Bench.open();
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: {
      kind: "answer",
      status: 201,
      headers: { "Content-Type": "text/html" },
      body: "<html><body>Sign in</body></html>",
    },
  });
  bench.start();
  await bench.expectJobsFlow();
  expect(bench.process.log).toMatch(/ERROR: Checking for jobs\.\.\. failed.*"?text\/html/);
  bench.expectNoFindings();
});

test.concurrent("fault 4: a job that comes with the media type text/html is reported as failed", async () => {
  await using bench = await Bench.open();
  const script = bench.counter("runs");
  const job = bench.coordinator.enqueue({ script: script.line });
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "alter", headers: { "Content-Type": "text/html" } },
  });
  bench.start();
  await expectFailed(bench, job, {
    failureReason: "runner_system_failure",
    line: /^ERROR: Job failed \(system failure\): .*text\/html/,
  });
  await bench.expectJobsFlow();
  expect(script.count()).toBe(0);
  bench.expectNoFindings();
});

test.concurrent("fault 5: truncated JSON with a readable id and token is reported as a failed job", async () => {
  await using bench = await Bench.open();
  const job = bench.coordinator.enqueue({ script: "echo never" });
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: {
      kind: "alter",
      body: `{"id":${job.id},"token":"${job.token}","job_info":{"name":"job","stage`,
    },
  });
  bench.start();
  await expectFailed(bench, job, {
    failureReason: "runner_system_failure",
    line: /^ERROR: Job failed \(system failure\): .*no valid JSON/,
  });
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 5: truncated JSON without a token brings no job, and the job comes again", async () => {
  await using bench = await Bench.open({ coordinator: { ackWindowMs: 1200 } });
  const script = bench.counter("runs");
  const job = bench.coordinator.enqueue({ script: [script.line, "echo once"] });
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "alter", body: `{"id":${job.id},"token":"${job.token.slice(0, 9)}` },
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["once"] });
  expect(bench.process.log).toContain("ERROR: Checking for jobs... failed");
  expect(script.count()).toBe(1);
  bench.expectNoFindings();
});

test.concurrent("fault 6: a job with unknown fields at every level runs", async () => {
  await using bench = await Bench.open();
  const job = bench.coordinator.enqueuePayload((given, baseUrl) =>
    withUnknownFields({
      ...payloadOf(given, baseUrl, "echo known"),
      image: { name: "image", ports: [{ number: 80, protocol: "http", name: "web" }] },
      cache: [{ key: "key", paths: [] }],
      policy_options: { policy_name: "policy" },
    })
  );
  bench.start();
  await bench.expectDelivered(job, { prints: ["known"] });
  bench.expectNoFindings();
});

function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields);
  if (typeof value !== "object" || value === null) return value;
  const known = Object.entries(value).map(([key, field]) => [key, withUnknownFields(field)]);
  return { ...Object.fromEntries(known), unknown_text: "x", unknown_object: { deep: [1, null] } };
}

test.concurrent("fault 7: a job whose optional fields are all null runs with defaults", async () => {
  await using bench = await Bench.open();
  const strategy = { key: "GIT_STRATEGY", value: "none" };
  const nulls = bench.coordinator.enqueuePayload((given, baseUrl) => {
    const payload = payloadOf(given, baseUrl, "");
    const names = [...Object.keys(payload), "inputs", "run", "secrets", "policy_options", "hooks"];
    return {
      ...Object.fromEntries(names.map((name) => [name, null])),
      id: given.id,
      token: given.token,
      variables: [strategy],
      steps: [{ name: "script", script: ["echo all null"] }],
    };
  });
  const deepNulls = bench.coordinator.enqueuePayload((given, baseUrl) => ({
    ...nullLeaves(payloadOf(given, baseUrl, "")) as object,
    id: given.id,
    token: given.token,
    variables: [
      { ...strategy, public: null, masked: null, file: null, raw: null },
      { key: "CI_JOB_STARTED_AT", value: null },
    ],
    steps: [{
      name: "script",
      script: ["echo deep null"],
      timeout: null,
      when: null,
      allow_failure: null,
    }],
  }));
  bench.start();
  await bench.expectDelivered(nulls, { prints: ["all null"] });
  await bench.expectDelivered(deepNulls, { prints: ["deep null"] });
  bench.expectNoFindings();
});

/** The objects as they are, everything in them null. */
function nullLeaves(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, nullLeaves(field)]));
}

test.concurrent.each([
  ["inputs that are no list", { inputs: { key: "x" } }, /inputs/],
  [
    "an input of another type than it says",
    { inputs: [{ key: "size", value: { type: "number", content: "many" } }] },
    /inputs|size/,
  ],
  ["run that is no list", { run: 7, steps: null }, /run/],
  [
    "a user that is an object",
    { image: { name: "alpine", executor_opts: { docker: { user: { uid: 1 } } } } },
    /executor_opts\.docker\.user/,
  ],
])("fault 8: a job with %s ends as failed with a clear log", async (_, payload, why) => {
  await using bench = await Bench.open();
  const script = bench.counter("runs");
  const job = bench.coordinator.enqueue({ script: script.line, payload });
  bench.start();
  await job.finished;
  expect(job.outcome?.state).toBe("failed");
  expect(job.outcome?.checksum).toBe("match");
  expect(await stateOf(bench, job)).toEqual(["running", "failed"]);
  const lines = (await traceLines(job)).filter((line) => line.startsWith("ERROR: Job failed"));
  expect(lines).toEqual([expect.stringMatching(why)]);
  expect(script.count()).toBe(0);
  bench.expectNoFindings();
});

test.concurrent("fault 9: unknown executor_opts are accepted, then failed with exit code 3 and a message", async () => {
  await using bench = await Bench.open();
  const script = bench.counter("runs");
  const job = bench.coordinator.enqueue({
    script: script.line,
    payload: { image: { name: "alpine", executor_opts: { docker: { gpu: "all" } } } },
  });
  bench.start();
  await expectFailed(bench, job, {
    failureReason: "runner_system_failure",
    line: /^ERROR: Job failed.*unsupported executor options: .*gpu/,
  });
  expect(job.outcome?.exitCode).toBe(3);
  expect(script.count()).toBe(0);
  bench.expectNoFindings();
});

test.concurrent("fault 10: a job that two entries are given runs once", async () => {
  await using bench = await Bench.open({ moreEntries: 1 });
  const { coordinator, runner } = bench;
  const gate = bench.gate("go");
  const script = bench.counter("runs");
  const job = coordinator.enqueue({ script: [script.line, gate.wait, "echo once"] }, { runner });
  bench.start();
  await eventually(() => script.count() === 1, "the script's start");
  const again = coordinator.inject(
    {
      match: { path: JOB_REQUEST },
      action: { kind: "answer", status: 201, body: job.payload(job, coordinator.url) },
      times: 2,
    },
  );
  await eventually(() => again.isSpent, "the second and third assignment");
  await eventually(
    () => bench.process.log.match(/second assignment is ignored/g)?.length === 2,
    "the refusals",
  );
  gate.open();
  await bench.expectDelivered(job, { prints: ["once"] });
  await bench.expectJobsFlow();
  expect(script.count()).toBe(1);
  expect(bench.updates(job, "running")).toHaveLength(1);
  bench.expectNoFindings();
});
