/** What the operator's programs find in their environment. */

import { resolveFeatureFlags } from "../../core/config/feature_flags.ts";
import type { RunnerConfig } from "../../core/config/schema.ts";
import type { PreparedEnvironment } from "../../core/executor.ts";
import { beyondEnvironment } from "../../core/job/environment_room.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import { jobVariables } from "../../core/run/job_variables.ts";
import { jobPaths } from "../../core/run/paths.ts";
import { shortToken } from "../../core/util/token.ts";
import { BUILD_FAILURE, SYSTEM_FAILURE } from "./driver.ts";
import type { DriverConfig } from "./driver_config.ts";
import type { JobFiles } from "./job_files.ts";

export interface DriverEnvironmentOptions {
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly spec: JobSpec;
  readonly runner: RunnerConfig;
  readonly environment: PreparedEnvironment;
  readonly driver: DriverConfig;
  readonly files: JobFiles;
}

/**
 * All variables of the job have `CUSTOM_ENV_` before their name, so that none can mislead a program;
 * a file variable is its text, as its file is not on this host. Those that no program could be started
 * with are left to `JOB_RESPONSE_FILE`. `job_env` may replace anything else.
 */
export function driverEnvironment(
  options: DriverEnvironmentOptions,
): Readonly<Record<string, string>> {
  const { inherited, spec, runner, environment, driver, files } = options;
  const { flags } = resolveFeatureFlags({
    config: runner.feature_flags,
    jobVariables: spec.variables,
  });
  const paths = jobPaths(spec, environment, shortToken(runner.token.reveal()));
  const variables = jobVariables(spec, runner, environment, flags, paths, { disposable: false });
  const ofJob = variables.entries.map(({ key }) => ({
    key: `CUSTOM_ENV_${key}`,
    value: variables.text(key),
  }));
  const beyond = beyondEnvironment(ofJob);
  return Object.fromEntries([
    ...Object.entries(inherited).filter((entry): entry is [string, string] =>
      entry[1] !== undefined
    ),
    ["TMPDIR", files.path],
    ["BUILD_FAILURE_EXIT_CODE", String(BUILD_FAILURE)],
    ["SYSTEM_FAILURE_EXIT_CODE", String(SYSTEM_FAILURE)],
    ["BUILD_EXIT_CODE_FILE", files.exitCode],
    ["JOB_RESPONSE_FILE", files.jobResponse],
    ...Object.entries(driver.job_env ?? {}),
    ...ofJob.flatMap(({ key, value }) => beyond.has(key) ? [] : [[key, value]]),
    ["CUSTOM_ENV_CI_JOB_SERVICES", servicesOf(spec)],
  ]);
}

/** The services a job asks for, which are the programs' to start; empty when it asks for none. */
function servicesOf({ services }: JobSpec): string {
  if (services.length === 0) return "";
  const list = (words: readonly string[]) => words.length === 0 ? null : words;
  return JSON.stringify(services.map(({ name, alias, entrypoint, command }) => ({
    name,
    // One name was all there was when drivers learned of services.
    alias: alias.split(/[\s,]+/).find((word) => word !== "") ?? "",
    entrypoint: list(entrypoint),
    command: list(command),
  })));
}
