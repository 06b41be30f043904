/** The feature flags of GitLab Runner, and which of them are on for a job. */

import { parseBoolean } from "../util/units.ts";

interface FeatureFlagSpec {
  readonly default: boolean;
  readonly about: string;
  /** What happens instead, while turning the flag on changes nothing yet. */
  readonly unbuilt?: string;
}

/** Every flag that GitLab Runner 19.4 knows. Names outside this list are plain variables. */
export const FEATURE_FLAGS = {
  FF_NETWORK_PER_BUILD: { default: false, about: "one bridge network per job instead of links" },
  FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY: {
    default: false,
    about: "exec API instead of attach",
  },
  FF_USE_DIRECT_DOWNLOAD: {
    default: true,
    about: "let the server redirect artifact downloads to object storage",
  },
  FF_USE_FASTZIP: { default: true, about: "parallel zip implementation (default on since 19.4)" },
  FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR: {
    default: false,
    about: "no umask 0000; chown to image user instead",
  },
  FF_ENABLE_BASH_EXIT_CODE_CHECK: {
    default: false,
    about: "explicit exit status tests in bash scripts",
  },
  FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY: {
    default: false,
    about: "old process creation on Windows",
  },
  FF_USE_LEGACY_BASH_EVAL: { default: false, about: "previous eval form without subshell" },
  FF_USE_POWERSHELL_PATH_RESOLVER: {
    default: false,
    about: "resolve paths in PowerShell instead of in the runner",
  },
  FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL: {
    default: false,
    about: "force-send interval follows the server's update interval",
  },
  FF_SCRIPT_SECTIONS: { default: false, about: "collapsible section per multi-line command" },
  FF_ENABLE_JOB_CLEANUP: {
    default: false,
    about: "git clean/remove project directory in the cleanup stage",
  },
  FF_KUBERNETES_HONOR_ENTRYPOINT: { default: false, about: "keep image entrypoint" },
  FF_POSIXLY_CORRECT_ESCAPES: { default: false, about: "POSIX quoting instead of ANSI-C" },
  FF_RESOLVE_FULL_TLS_CHAIN: {
    default: false,
    about: "complete CA chain exported to jobs (config only)",
    unbuilt: "jobs get the chain that GitLab sends",
  },
  FF_DISABLE_POWERSHELL_STDIN: { default: false, about: "scripts as files" },
  FF_USE_POD_ACTIVE_DEADLINE_SECONDS: { default: true, about: "pod deadline from job timeout" },
  FF_USE_ADVANCED_POD_SPEC_CONFIGURATION: { default: false, about: "enable pod_spec patches" },
  FF_SECRET_RESOLVING_FAILS_IF_MISSING: { default: true, about: "missing secret fails the job" },
  FF_PRINT_POD_EVENTS: { default: false, about: "all pod events in the log" },
  FF_USE_GIT_BUNDLE_URIS: { default: true, about: "--bundle-uri on fetch" },
  FF_USE_GIT_NATIVE_CLONE: {
    default: false,
    about: "git clone with --revision",
    unbuilt: "sources are fetched",
  },
  FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR: { default: false, about: "dumb-init in containers" },
  FF_USE_INIT_WITH_DOCKER_EXECUTOR: { default: false, about: "docker --init" },
  FF_LOG_IMAGES_CONFIGURED_FOR_JOB: {
    default: false,
    about: "image and service names in runner log",
  },
  FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO: { default: true, about: "docker system dial-stdio tunnel" },
  FF_CLEAN_UP_FAILED_CACHE_EXTRACT: { default: false, about: "remove partially extracted files" },
  FF_USE_WINDOWS_JOB_OBJECT: { default: false, about: "kill via job object" },
  FF_TIMESTAMPS: { default: true, about: "timestamped log lines" },
  FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: { default: false, about: "no rotation near expiry" },
  FF_USE_LEGACY_GCS_CACHE_ADAPTER: { default: false, about: "old GCS signing" },
  FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR: {
    default: false,
    about: "no umask, uid/gid collector container",
  },
  FF_USE_LEGACY_S3_CACHE_ADAPTER: { default: false, about: "minio-based adapter" },
  FF_GIT_URLS_WITHOUT_TOKENS: {
    default: false,
    about: "credential helper instead of token in URL",
  },
  FF_WAIT_FOR_POD_TO_BE_REACHABLE: {
    default: false,
    about: "wait for attach readiness before continuing",
  },
  FF_MASK_ALL_DEFAULT_TOKENS: { default: true, about: "mask all known prefixes" },
  FF_EXPORT_HIGH_CARDINALITY_METRICS: { default: false, about: "per-stage histograms" },
  FF_USE_FLEETING_ACQUIRE_HEARTBEATS: {
    default: false,
    about: "heartbeat before handing out a VM",
  },
  FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: { default: true, about: "delay between stage tries" },
  FF_USE_ADAPTIVE_REQUEST_CONCURRENCY: { default: true, about: "dynamic request_concurrency" },
  FF_USE_GITALY_CORRELATION_ID: { default: true, about: "X-Gitaly-Correlation-ID on git HTTP" },
  FF_USE_GIT_PROACTIVE_AUTH: { default: false, about: "http.proactiveAuth=basic" },
  FF_HASH_CACHE_KEYS: { default: false, about: "SHA-256 cache keys with migration" },
  FF_ENABLE_JOB_INPUTS_INTERPOLATION: { default: true, about: "expand job inputs in the payload" },
  FF_USE_JOB_ROUTER: {
    default: false,
    about: "job acquisition over the router gRPC service",
    unbuilt: "jobs are asked for at GitLab itself",
  },
  FF_SCRIPT_TO_STEP_MIGRATION: {
    default: false,
    about: "run script jobs through step-runner",
    unbuilt: "scripts run in a shell",
  },
  FF_USE_PARALLEL_CACHE_TRANSFER: { default: false, about: "multipart/range cache transfers" },
  FF_USE_PARALLEL_ARTIFACT_TRANSFER: {
    default: false,
    about: "range artifact download",
    unbuilt: "each archive comes in one stream",
  },
  FF_CONCRETE: {
    default: false,
    about: "whole job as one step document",
    unbuilt: "jobs run stage by stage",
  },
  FF_SUSPENDABLE_ENVIRONMENTS: {
    default: false,
    about: "keep/resume job environment",
    unbuilt: "environments end with their job",
  },
  FF_USE_NATIVE_CONTAINER_STOP: { default: false, about: "daemon stop signal only" },
} as const satisfies Record<string, FeatureFlagSpec>;

export type FeatureFlagName = keyof typeof FEATURE_FLAGS;

/** Every flag, resolved. */
export type FeatureFlags = Readonly<Record<FeatureFlagName, boolean>>;

/** Whether `name` is a flag that exists today; retired flags are not. */
export function isFeatureFlag(name: string): name is FeatureFlagName {
  return Object.hasOwn(FEATURE_FLAGS, name);
}

/**
 * All flags for one job: config.toml's `feature_flags` beat the job's variables, the last
 * definition of a variable counts. A value that is no boolean leaves the default and is a problem
 * for the runner's log.
 */
export function resolveFeatureFlags(sources: {
  config: Readonly<Record<string, boolean>>;
  jobVariables: readonly { readonly key: string; readonly value: string }[];
}): { readonly flags: FeatureFlags; readonly problems: readonly string[] } {
  const flags = defaults();
  const problems: string[] = [];
  const variables = new Map(sources.jobVariables.map(({ key, value }) => [key, value]));
  for (const name of names()) {
    const text = variables.get(name);
    const value = sources.config[name] ?? (text === undefined ? undefined : parseBoolean(text));
    if (value !== undefined) flags[name] = value;
    else if (text) problems.push(notBoolean(name, text));
  }
  return { flags: Object.freeze(flags), problems };
}

/** What a flag that is on, and has no effect yet, means for the user; undefined for all others. */
export function unbuiltFlag(name: string): string | undefined {
  const flag: FeatureFlagSpec | undefined = isFeatureFlag(name) ? FEATURE_FLAGS[name] : undefined;
  return flag?.unbuilt === undefined ? undefined : `not built yet, ${flag.unbuilt}`;
}

/** Flags that differ from their default, as the trace header lists them: `FF_TIMESTAMPS:false`. */
export function changedFeatureFlags(flags: FeatureFlags): readonly string[] {
  return names()
    .filter((name) => flags[name] !== FEATURE_FLAGS[name].default)
    .map((name) => `${name}:${flags[name]}`);
}

function names(): readonly FeatureFlagName[] {
  return Object.keys(FEATURE_FLAGS).filter(isFeatureFlag);
}

function defaults(): Record<FeatureFlagName, boolean> {
  const entries = Object.entries(FEATURE_FLAGS).map(([name, flag]) => [name, flag.default]);
  return Object.fromEntries(entries);
}

function notBoolean(name: FeatureFlagName, text: string): string {
  const value = FEATURE_FLAGS[name].default;
  return `Feature flag ${name} has the value "${text}", which is not a boolean; using ${value}`;
}
