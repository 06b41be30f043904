/** Gauges that are read from the manager's snapshot at the moment of a scrape. */

import { Gauge, type Registry } from "prom-client";
import { type BuildInfo, goPlatform } from "../version.ts";
import { RUNNER_LABELS } from "./labels.ts";
import type { ManagerSnapshot, ProcessState, RunnerState } from "./snapshot.ts";

const PROCESS_STATES: readonly ProcessState[] = [
  "in_service",
  "graceful shutdown",
  "forceful shutdown",
];

/** Registers the gauges; `snapshot` is called at each scrape and must be cheap. */
export function registerGauges(
  registry: Registry,
  options: { snapshot: Snapshot; build: BuildInfo },
): void {
  const { snapshot, build } = options;
  const registers = [registry];
  versionGauge(registers, build);
  processGauges(registers, snapshot);
  runnerGauges(registers, snapshot);
}

type Snapshot = () => ManagerSnapshot;

function versionGauge(registers: Registry[], build: BuildInfo): void {
  const { os, arch } = goPlatform();
  new Gauge({
    name: "gitlab_runner_version_info",
    help: "What this build is, as labels of a constant 1.",
    labelNames: [
      "name",
      "version",
      "revision",
      "branch",
      "go_version",
      "built_at",
      "os",
      "architecture",
    ],
    registers,
  }).set({
    name: "gitlab-runner",
    version: build.version,
    revision: build.revision,
    branch: build.branch,
    go_version: `bun${Bun.version}`,
    built_at: build.builtAt,
    os,
    architecture: arch,
  }, 1);
}

function processGauges(registers: Registry[], snapshot: Snapshot): void {
  new Gauge({
    name: "gitlab_runner_concurrent",
    help: "The global limit of jobs that run at the same time.",
    registers,
    collect() {
      this.set(snapshot().concurrent);
    },
  });
  new Gauge({
    name: "gitlab_runner_worker_slots_number",
    help: "Worker slots that are open.",
    registers,
    collect() {
      this.set(snapshot().workerSlots);
    },
  });
  new Gauge({
    name: "gitlab_runner_process_state_info",
    help: "1 for the state the process is in, 0 for the others.",
    labelNames: ["state"],
    registers,
    collect() {
      const current = snapshot().processState;
      for (const state of PROCESS_STATES) this.set({ state }, state === current ? 1 : 0);
    },
  });
  new Gauge({
    name: "gitlab_runner_jobs",
    help: "Jobs in hand, by what they are doing.",
    labelNames: [...RUNNER_LABELS, "state", "stage", "executor_stage"],
    registers,
    collect() {
      this.reset();
      for (const { labels, state, stage, executorStage } of snapshot().jobs) {
        this.inc({ ...labels, state, stage, executor_stage: executorStage });
      }
    },
  });
}

function runnerGauges(registers: Registry[], snapshot: Snapshot): void {
  for (const { name, help, labelNames, value } of RUNNER_GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset();
        for (const runner of snapshot().runners) {
          const labels = Object.fromEntries(
            labelNames.map((label) => [label, runner.labels[label]]),
          );
          this.set(labels, value(runner));
        }
      },
    });
  }
}

const LIMIT_LABELS = ["runner", "system_id"] as const;

const RUNNER_GAUGES: readonly {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly (keyof RunnerState["labels"])[];
  readonly value: (runner: RunnerState) => number;
}[] = [
  {
    name: "gitlab_runner_limit",
    help: "The limit of jobs of a runner entry; 0 means none.",
    labelNames: RUNNER_LABELS,
    value: (runner) => runner.limit,
  },
  {
    name: "gitlab_runner_request_concurrency",
    help: "Requests for a job that are under way.",
    labelNames: RUNNER_LABELS,
    value: (runner) => runner.requestConcurrency.running,
  },
  {
    name: "gitlab_runner_request_concurrency_hard_limit",
    help: "The configured limit of concurrent requests for a job.",
    labelNames: LIMIT_LABELS,
    value: (runner) => runner.requestConcurrency.hardLimit,
  },
  {
    name: "gitlab_runner_request_concurrency_adaptive_limit",
    help: "The limit of concurrent requests that follows the flow of jobs.",
    labelNames: LIMIT_LABELS,
    value: (runner) => runner.requestConcurrency.adaptiveLimit,
  },
  {
    name: "gitlab_runner_request_concurrency_used_limit",
    help: "The limit of concurrent requests that is in force.",
    labelNames: LIMIT_LABELS,
    value: (runner) => runner.requestConcurrency.usedLimit,
  },
];
