/** The endpoints of `listen_address`, scraped while jobs run. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { eventually, expectFailure, expectSuccess, Lab } from "./lab.ts";
import { freePort } from "../fixtures/free_port.ts";

let lab: Lab;
let url: string;
beforeAll(async () => {
  const port = freePort();
  url = `http://127.0.0.1:${port}`;
  lab = (await Lab.open({
    globals: [`listen_address = "127.0.0.1:${port}"`],
    entry: ["limit = 5", "[runners.feature_flags]", "FF_EXPORT_HIGH_CARDINALITY_METRICS = true"],
  })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

async function scrape(): Promise<string> {
  return await (await fetch(`${url}/metrics`)).text();
}

/** The value of the one sample of `name` whose labels have all of `labels`. */
function sample(text: string, name: string, labels: readonly string[] = []): number | undefined {
  const line = text.split("\n").find((each) =>
    each.startsWith(`${name}{`) || each.startsWith(`${name} `)
      ? labels.every((label) => each.includes(label))
      : false
  );
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

test("metrics have GitLab Runner's names and labels, and count jobs", async () => {
  expectSuccess(await lab.run({ script: "true" }));
  expectFailure(await lab.run({ script: "exit 3" }), "script_failure", 3);
  const text = await eventually(async () => {
    const now = await scrape();
    // A job is counted as over when the coordinator has answered, which is after it knows.
    return sample(now, "gitlab_runner_job_duration_seconds_count") === 2 ? now : undefined;
  }, "both jobs counted");
  const short = lab.runner.token.replace("glrt-t1_", "").slice(0, 9);
  const worker = [`runner="${short}"`, 'runner_name="runner-0"', 'system_id="'];
  expect(sample(text, "gitlab_runner_jobs_total", worker)).toBe(2);
  expect(sample(text, "gitlab_runner_failed_jobs_total", ['failure_reason="script_failure"']))
    .toBe(1);
  const failure = [...worker, 'failure_type="job_failure"'];
  expect(sample(text, "gitlab_runner_worker_processing_failures_total", failure)).toBe(1);
  const stage = [...worker, 'stage="step_script"'];
  expect(sample(text, "gitlab_runner_job_stage_duration_seconds_count", stage)).toBe(2);
  const started = ['operation="started"'];
  expect(sample(text, "gitlab_runner_worker_slot_operations_total", started)).toBe(8);
  expect(sample(text, "gitlab_runner_concurrent")).toBe(8);
  expect(sample(text, "gitlab_runner_limit", worker)).toBe(5);
  expect(sample(text, "gitlab_runner_job_duration_seconds_count", worker)).toBe(2);
  expect(sample(text, "gitlab_runner_version_info", ['version="', 'os="linux"'])).toBe(1);
  const request = ['endpoint="request_job"', 'status="201"'];
  expect(sample(text, "gitlab_runner_api_request_statuses_total", request)).toBe(2);
  for (const name of NAMES) expect(text).toMatch(new RegExp(`^# TYPE ${name} `, "m"));
});

const NAMES = [
  "gitlab_runner_errors_total",
  "gitlab_runner_job_queue_duration_seconds",
  "gitlab_runner_job_queue_size",
  "gitlab_runner_request_concurrency",
  "gitlab_runner_request_concurrency_exceeded_total",
  "gitlab_runner_job_inputs_interpolations_total",
  "gitlab_runner_job_inputs_interpolation_failures_total",
  "gitlab_runner_worker_feeds_total",
  "gitlab_runner_worker_feed_failures_total",
  "gitlab_runner_worker_health_check_failures_total",
  "gitlab_runner_worker_processing_failures_total",
  "gitlab_runner_configuration_loaded_total",
  "gitlab_runner_configuration_loading_error_total",
  "gitlab_runner_process_state_info",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_start_time_seconds",
];

test("a running job is in /debug/jobs/list and in gitlab_runner_jobs, with its stage", async () => {
  const gate = lab.gate("list");
  const job = lab.enqueue({ script: gate.wait });
  await lab.printed(job, "until [");
  const answer = await fetch(`${url}/debug/jobs/list`);
  expect(answer.headers.get("x-list-version")).toBe("2");
  expect(await answer.text()).toMatch(
    new RegExp(
      `^url=${lab.coordinator.url}/local/sample/-/jobs/${job.id} state=running ` +
        `stage=step_script executor_stage=prepare duration=\\S+\\n$`,
    ),
  );
  const running = ['state="running"', 'stage="step_script"'];
  expect(sample(await scrape(), "gitlab_runner_jobs", running)).toBe(1);
  gate.open();
  expectSuccess(await lab.finished(job));
  await eventually(
    async () => (await (await fetch(`${url}/debug/jobs/list`)).text()) === "",
    "an empty list",
  );
});

test("health and process state are told, and only GET reads metrics", async () => {
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  expect((await (await fetch(`${url}/debug/process/state`)).text()).trim()).toBe("in_service");
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
});

test("a job that waited for longer than monitoring.job_queuing_durations allows is counted", async () => {
  const port = freePort();
  await using watched = await Lab.open({
    globals: [`listen_address = "127.0.0.1:${port}"`],
    entry: [
      "[[runners.monitoring.job_queuing_durations]]",
      'periods = ["* * * * *"]',
      'threshold = "200ms"',
    ],
  });
  const late = watched.enqueue({ script: "true" });
  await Bun.sleep(400);
  watched.start();
  expectSuccess(await watched.finished(late));
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const name = "gitlab_runner_acceptable_job_queuing_duration_exceeded_total";
  expect(sample(text, name, ['runner_name="runner-0"', 'system_id="'])).toBe(1);
});

test("profiles of a Go program are not there", async () => {
  expect((await fetch(`${url}/debug/pprof/`)).status).toBe(404);
  expect((await fetch(`${url}/debug/pprof/profile?seconds=1`)).status).toBe(404);
});

test("nothing secret is in the metrics", async () => {
  const text = await scrape();
  expect(text).not.toContain(lab.runner.token);
});
