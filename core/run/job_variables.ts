/** A job's variables in their layers (inventory sections 5.2 and 5.3). */

import type { RunnerConfig } from "../config/schema.ts";
import { type FeatureFlags, isFeatureFlag } from "../config/feature_flags.ts";
import type { PreparedEnvironment } from "../executor.ts";
import type { JobVariable } from "../job/response.ts";
import type { JobSpec } from "../job/spec.ts";
import { JobVariables, runnerVariable } from "../job/variables.ts";
import { shortToken } from "../util/token.ts";
import { buildInfo, goPlatform } from "../version.ts";
import type { JobPaths } from "./paths.ts";

/** File below the temporary directory that a job's commands may add variables to. */
const ENV_FILE = "gitlab_runner_env";

/**
 * All variables of a job, lowest layer first: feature flags, config.toml's `environment`, the
 * runner's own, the environment's, the job's, and what the runner does not let a job override.
 */
export function jobVariables(
  spec: JobSpec,
  runner: RunnerConfig,
  environment: PreparedEnvironment,
  flags: FeatureFlags,
  paths: JobPaths,
  options: { disposable: boolean },
): JobVariables {
  const plain = (entries: Readonly<Record<string, string>>) =>
    Object.entries(entries).map(([key, value]) => runnerVariable(key, value));
  const layers: readonly (readonly JobVariable[])[] = [
    Object.entries(flags).map(([key, value]) => runnerVariable(key, String(value))),
    plain({ CI_RUNNER_SHORT_TOKEN: shortToken(runner.token.reveal()) }),
    configEnvironment(runner),
    plain({
      CI_BUILDS_DIR: paths.buildsDir,
      CI_PROJECT_DIR: paths.projectDir,
      CI_CONCURRENT_ID: String(spec.slot.runner),
      CI_CONCURRENT_PROJECT_ID: String(environment.projectSlot),
      CI_SERVER: "yes",
      CI_JOB_STATUS: "running",
      CI_JOB_TIMEOUT: String(spec.timeoutMs / 1000),
    }),
    spec.image === undefined ? [] : [{
      ...runnerVariable("CI_JOB_IMAGE", spec.image.name),
      raw: false,
    }],
    tlsFiles(spec),
    [runnerVariable("CI_JOB_TOKEN", spec.token.reveal(), { masked: true })],
    plain(environment.variables),
    spec.variables.filter(({ key }) => !isFeatureFlag(key)),
    plain({
      [options.disposable ? "CI_DISPOSABLE_ENVIRONMENT" : "CI_SHARED_ENVIRONMENT"]: "true",
      CI_RUNNER_VERSION: buildInfo.version,
      CI_RUNNER_REVISION: buildInfo.revision,
      CI_RUNNER_EXECUTABLE_ARCH: `${goPlatform().os}/${goPlatform().arch}`,
      RUNNER_TEMP_PROJECT_DIR: paths.tempDir,
      GITLAB_ENV: `${paths.tempDir}/${ENV_FILE}`,
    }),
  ];
  return new JobVariables(layers.flat(), paths.tempDir);
}

function tlsFiles(spec: JobSpec): readonly JobVariable[] {
  const files = [
    ["CI_SERVER_TLS_CA_FILE", spec.tls.caChain],
    ["CI_SERVER_TLS_CERT_FILE", spec.tls.certificate],
    ["CI_SERVER_TLS_KEY_FILE", spec.tls.key],
  ] as const;
  return files.flatMap(([key, text]) =>
    text === undefined ? [] : [runnerVariable(key, text, { file: true })]
  );
}

/**
 * What a job has to do with flags and settings that are looked at before its environment is known,
 * the strongest last: `environment` of config.toml, then the payload.
 */
export function givenVariables(
  runner: RunnerConfig,
  payload: readonly JobVariable[],
): readonly JobVariable[] {
  return [...configEnvironment(runner), ...payload];
}

/** `KEY=value` entries of config.toml; values are expanded like a job's own. */
export function configEnvironment(runner: RunnerConfig): readonly JobVariable[] {
  return runner.environment.flatMap((entry) => {
    const at = entry.indexOf("=");
    if (at < 1) return [];
    return [{ ...runnerVariable(entry.slice(0, at), entry.slice(at + 1)), raw: false }];
  });
}
