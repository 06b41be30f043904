import { expect, test } from "bun:test";
import { createPrometheusMetrics } from "../../../core/metrics/prometheus.ts";
import type { ManagerSnapshot } from "../../../core/metrics/snapshot.ts";

const labels = { runner: "abc123xyz", runner_name: "box", system_id: "s_0123456789ab" };

const idle: ManagerSnapshot = {
  concurrent: 4,
  workerSlots: 4,
  processState: "in_service",
  runners: [{
    labels,
    limit: 2,
    requestConcurrency: { running: 1, hardLimit: 5, adaptiveLimit: 1.1, usedLimit: 2 },
  }],
  jobs: [],
};

function openMetrics(snapshot: () => ManagerSnapshot = () => idle) {
  return createPrometheusMetrics({
    snapshot,
    build: {
      version: "19.4.0",
      revision: "d79f3e7b",
      branch: "main",
      builtAt: "2026-08-01",
      release: "1.0.0",
    },
  });
}

/** Sample lines, without help texts and without the metrics of the process. */
async function samples(scrape: () => Promise<string>): Promise<string[]> {
  return (await scrape()).split("\n").filter((line) => /^gitlab_runner/.test(line));
}

test("Prometheus exports every metric with its type", async () => {
  const text = await openMetrics().scrape();
  const types = text.split("\n").filter((line) => line.startsWith("# TYPE gitlab_runner_")).sort();
  expect(types).toEqual([
    "# TYPE gitlab_runner_acceptable_job_queuing_duration_exceeded_total counter",
    "# TYPE gitlab_runner_api_request_duration_seconds histogram",
    "# TYPE gitlab_runner_api_request_retries_total counter",
    "# TYPE gitlab_runner_api_request_statuses_total counter",
    "# TYPE gitlab_runner_concurrent gauge",
    "# TYPE gitlab_runner_configuration_loaded_total counter",
    "# TYPE gitlab_runner_configuration_loading_error_total counter",
    "# TYPE gitlab_runner_configuration_saved_total counter",
    "# TYPE gitlab_runner_configuration_saving_error_total counter",
    "# TYPE gitlab_runner_errors_total counter",
    "# TYPE gitlab_runner_failed_jobs_total counter",
    "# TYPE gitlab_runner_job_duration_seconds histogram",
    "# TYPE gitlab_runner_job_execution_mode_total counter",
    "# TYPE gitlab_runner_job_inputs_interpolation_failures_total counter",
    "# TYPE gitlab_runner_job_inputs_interpolations_total counter",
    "# TYPE gitlab_runner_job_queue_depth gauge",
    "# TYPE gitlab_runner_job_queue_duration_seconds histogram",
    "# TYPE gitlab_runner_job_queue_size gauge",
    "# TYPE gitlab_runner_job_stage_duration_seconds histogram",
    "# TYPE gitlab_runner_jobs gauge",
    "# TYPE gitlab_runner_jobs_total counter",
    "# TYPE gitlab_runner_limit gauge",
    "# TYPE gitlab_runner_process_state_info gauge",
    "# TYPE gitlab_runner_request_concurrency gauge",
    "# TYPE gitlab_runner_request_concurrency_adaptive_limit gauge",
    "# TYPE gitlab_runner_request_concurrency_exceeded_total counter",
    "# TYPE gitlab_runner_request_concurrency_hard_limit gauge",
    "# TYPE gitlab_runner_request_concurrency_used_limit gauge",
    "# TYPE gitlab_runner_version_info gauge",
    "# TYPE gitlab_runner_worker_feed_failures_total counter",
    "# TYPE gitlab_runner_worker_feeds_total counter",
    "# TYPE gitlab_runner_worker_health_check_failures_total counter",
    "# TYPE gitlab_runner_worker_processing_failures_total counter",
    "# TYPE gitlab_runner_worker_slot_operations_total counter",
    "# TYPE gitlab_runner_worker_slots_number gauge",
  ]);
  expect(text).not.toMatch(/^(go|nodejs)_/m);
});

test("Prometheus reads gauges from the snapshot at each scrape", async () => {
  let snapshot: ManagerSnapshot = {
    ...idle,
    jobs: ["1", "2"].map((id) => ({
      labels,
      url: `https://gitlab.example/-/jobs/${id}`,
      state: "running",
      stage: "step_script",
      executorStage: "docker_run",
      durationMs: 1,
    })),
  };
  const { scrape } = openMetrics(() => snapshot);
  const entry = 'runner="abc123xyz",runner_name="box",system_id="s_0123456789ab"';
  const job =
    `gitlab_runner_jobs{${entry},state="running",stage="step_script",executor_stage="docker_run"}`;
  const first = await samples(scrape);
  for (
    const line of [
      `${job} 2`,
      "gitlab_runner_concurrent 4",
      "gitlab_runner_worker_slots_number 4",
      `gitlab_runner_limit{${entry}} 2`,
      `gitlab_runner_request_concurrency{${entry}} 1`,
      'gitlab_runner_request_concurrency_hard_limit{runner="abc123xyz",system_id="s_0123456789ab"} 5',
      'gitlab_runner_request_concurrency_adaptive_limit{runner="abc123xyz",system_id="s_0123456789ab"} 1.1',
      'gitlab_runner_request_concurrency_used_limit{runner="abc123xyz",system_id="s_0123456789ab"} 2',
      'gitlab_runner_process_state_info{state="in_service"} 1',
      'gitlab_runner_process_state_info{state="graceful shutdown"} 0',
      'gitlab_runner_process_state_info{state="forceful shutdown"} 0',
    ]
  ) expect(first).toContain(line);

  snapshot = { ...idle, processState: "graceful shutdown", runners: [] };
  const second = await samples(scrape);
  expect(second.join("\n")).not.toContain(entry);
  expect(second).toContain('gitlab_runner_process_state_info{state="graceful shutdown"} 1');
  expect(second).toContain('gitlab_runner_process_state_info{state="in_service"} 0');
});

test("Prometheus tells what the build is", async () => {
  const lines = await samples(openMetrics().scrape);
  const version = lines.find((line) => line.startsWith("gitlab_runner_version_info"));
  expect(version).toStartWith(
    'gitlab_runner_version_info{name="gitlab-runner",version="19.4.0",revision="d79f3e7b",branch="main",go_version="bun',
  );
  expect(version).toContain('built_at="2026-08-01"');
  expect(version).toEndWith("} 1");
});

test("Metrics land under GitLab Runner's names and labels", async () => {
  const { metrics, scrape } = openMetrics();
  const entry = 'runner="abc123xyz",runner_name="box",system_id="s_0123456789ab"';
  metrics.apiRequest({
    runner: "abc123xyz",
    systemId: "s_0123456789ab",
    endpoint: "request_job",
    method: "post",
    status: 204,
    durationMs: 300,
  });
  metrics.apiRetry({ path: "/api/v4/jobs/request", method: "post" });
  metrics.jobStarted(labels, {
    seconds: 4,
    projectJobsRunning: "+Inf",
    size: 9,
    depth: 3,
    executor: "shell",
  });
  metrics.jobFinished(labels, { durationMs: 61_000, failureReason: "script_failure" });
  metrics.jobFinished(labels, { durationMs: 1000, failureReason: undefined });
  metrics.workerFed(labels);
  metrics.workerFeedFailed(labels);
  metrics.healthCheckFailed(labels);
  metrics.requestConcurrencyExceeded(labels);
  metrics.processingFailed(labels, "no_free_executor");
  metrics.configuration("loading-error");
  metrics.logged("error");
  const lines = await samples(scrape);
  const api = 'runner="abc123xyz",system_id="s_0123456789ab",endpoint="request_job"';
  for (
    const line of [
      `gitlab_runner_api_request_statuses_total{${api},method="post",status="204"} 1`,
      `gitlab_runner_api_request_duration_seconds_bucket{le="0.25",${api},method="post",status_class="2xx"} 0`,
      `gitlab_runner_api_request_duration_seconds_bucket{le="0.5",${api},method="post",status_class="2xx"} 1`,
      'gitlab_runner_api_request_retries_total{path="/api/v4/jobs/request",method="post"} 1',
      `gitlab_runner_jobs_total{${entry}} 1`,
      'gitlab_runner_job_execution_mode_total{mode="traditional",executor="shell"} 1',
      `gitlab_runner_job_queue_duration_seconds_bucket{le="3",${entry},project_jobs_running="+Inf"} 0`,
      `gitlab_runner_job_queue_duration_seconds_bucket{le="10",${entry},project_jobs_running="+Inf"} 1`,
      `gitlab_runner_job_queue_size{${entry}} 9`,
      `gitlab_runner_job_queue_depth{${entry}} 3`,
      `gitlab_runner_job_duration_seconds_bucket{le="60",${entry},mode="traditional"} 1`,
      `gitlab_runner_job_duration_seconds_bucket{le="300",${entry},mode="traditional"} 2`,
      `gitlab_runner_job_duration_seconds_sum{${entry},mode="traditional"} 62`,
      'gitlab_runner_failed_jobs_total{runner="abc123xyz",runner_name="box",failure_reason="script_failure",mode="traditional"} 1',
      `gitlab_runner_worker_feeds_total{${entry}} 1`,
      `gitlab_runner_worker_feed_failures_total{${entry}} 1`,
      `gitlab_runner_worker_health_check_failures_total{${entry}} 1`,
      `gitlab_runner_request_concurrency_exceeded_total{${entry}} 1`,
      `gitlab_runner_worker_processing_failures_total{${entry},failure_type="no_free_executor"} 1`,
      "gitlab_runner_configuration_loading_error_total 1",
      "gitlab_runner_configuration_loaded_total 0",
      'gitlab_runner_errors_total{level="error"} 1',
      'gitlab_runner_errors_total{level="warning"} 0',
    ]
  ) expect(lines).toContain(line);
});

test("Prometheus tells CPU, memory and descriptors of the process", async () => {
  const text = await openMetrics().scrape();
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(10 * 1024 * 1024);
  const started = value("process_start_time_seconds");
  expect(Math.abs(started + process.uptime() - Date.now() / 1000)).toBeLessThan(2);
  if (process.platform !== "linux") return;
  expect(value("process_open_fds")).toBeGreaterThan(2);
  expect(value("process_max_fds")).toBeGreaterThanOrEqual(value("process_open_fds"));
  expect(value("process_virtual_memory_bytes")).toBeGreaterThan(
    value("process_resident_memory_bytes"),
  );
});
