/** What a runner entry tells the coordinator about itself: `info`, and features that really work. */

import type { RunnerConfig } from "../config/schema.ts";
import type { AnnouncedFeatures, RunnerInfo } from "../coordinator/coordinator.ts";
import type { ExecutorInfo } from "../executor.ts";
import { buildInfo, goPlatform } from "../version.ts";

/** What the line from request to final update does for every executor. */
const ALWAYS: AnnouncedFeatures = {
  trace_reset: true,
  trace_checksum: true,
  trace_size: true,
  cancelable: true,
  cancel_gracefully: true,
  two_phase_job_commit: true,
  job_inputs: true,
};

/** What our shells do, wherever they run. */
const SHELLS: AnnouncedFeatures = {
  artifacts: true,
  upload_multiple_artifacts: true,
  upload_raw_artifacts: true,
  artifacts_exclude: true,
  cache: true,
  fallback_cache_keys: true,
  refspecs: true,
  masking: true,
  raw_variables: true,
  multi_build_steps: true,
  return_exit_code: true,
};

/** All names of protocol section 3.4; those that nobody claims are announced as false. */
const KNOWN = [
  "variables",
  "image",
  "services",
  "shared",
  "session",
  "terminal",
  "proxy",
  "vault_secrets",
  "service_variables",
  "service_multiple_aliases",
  "image_executor_opts",
  "service_executor_opts",
  "native_steps_integration",
];

/** `info` of a runner entry; `executor` undefined before an executor is known (registration). */
export function runnerInfo(
  runner: Pick<RunnerConfig, "executor" | "shell" | "labels"> | undefined,
  executor: ExecutorInfo | undefined,
  globalLabels: Readonly<Record<string, string>> = {},
): RunnerInfo {
  const { os, arch } = goPlatform();
  const labels = { ...globalLabels, ...runner?.labels };
  const shell = runner?.shell || executor?.defaultShell;
  const none = Object.fromEntries(KNOWN.map((name) => [name, false]));
  return {
    name: "gitlab-runner",
    version: buildInfo.version,
    revision: buildInfo.revision,
    platform: os,
    architecture: arch,
    ...(runner === undefined ? {} : { executor: runner.executor }),
    ...(shell ? { shell } : {}),
    features: {
      ...none,
      ...ALWAYS,
      ...(executor === undefined ? {} : { ...SHELLS, ...executor.features }),
      // Whatever an executor can do: there is no session server that people could reach it by.
      session: false,
      terminal: false,
    },
    config: { gpus: "" },
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
  };
}
