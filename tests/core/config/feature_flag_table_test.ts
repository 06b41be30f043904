/** Every feature flag of GitLab Runner 19.4: its default, and what becomes of it here. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  FEATURE_FLAGS,
  type FeatureFlagName,
  isFeatureFlag,
  unbuiltFlag,
} from "../../../core/config/feature_flags.ts";

/**
 * `used`: the sources act on it. `named`: it has no effect yet, and the log of a job that turns it on
 * says so. `of X`: it steers what this release does not have at all, and what is refused by its own
 * name. `alike`: what it chooses between comes to the same here.
 */
const TABLE = `
FF_NETWORK_PER_BUILD                          off  used
FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY   off  of kubernetes
FF_USE_DIRECT_DOWNLOAD                        on   used
FF_USE_FASTZIP                                on   used
FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR          off  alike
FF_ENABLE_BASH_EXIT_CODE_CHECK                off  used
FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY        off  of Windows
FF_USE_LEGACY_BASH_EVAL                       off  alike
FF_USE_POWERSHELL_PATH_RESOLVER               off  of PowerShell
FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL      off  used
FF_SCRIPT_SECTIONS                            off  used
FF_ENABLE_JOB_CLEANUP                         off  used
FF_KUBERNETES_HONOR_ENTRYPOINT                off  of kubernetes
FF_POSIXLY_CORRECT_ESCAPES                    off  alike
FF_RESOLVE_FULL_TLS_CHAIN                     off  named
FF_DISABLE_POWERSHELL_STDIN                   off  of PowerShell
FF_USE_POD_ACTIVE_DEADLINE_SECONDS            on   of kubernetes
FF_USE_ADVANCED_POD_SPEC_CONFIGURATION        off  of kubernetes
FF_SECRET_RESOLVING_FAILS_IF_MISSING          on   of external secrets
FF_PRINT_POD_EVENTS                           off  of kubernetes
FF_USE_GIT_BUNDLE_URIS                        on   used
FF_USE_GIT_NATIVE_CLONE                       off  named
FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR     off  of kubernetes
FF_USE_INIT_WITH_DOCKER_EXECUTOR              off  used
FF_LOG_IMAGES_CONFIGURED_FOR_JOB              off  used
FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO           on   of autoscalers
FF_CLEAN_UP_FAILED_CACHE_EXTRACT              off  used
FF_USE_WINDOWS_JOB_OBJECT                     off  of Windows
FF_TIMESTAMPS                                 on   used
FF_DISABLE_AUTOMATIC_TOKEN_ROTATION           off  used
FF_USE_LEGACY_GCS_CACHE_ADAPTER               off  of remote caches
FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR      off  of kubernetes
FF_USE_LEGACY_S3_CACHE_ADAPTER                off  of remote caches
FF_GIT_URLS_WITHOUT_TOKENS                    off  used
FF_WAIT_FOR_POD_TO_BE_REACHABLE               off  of kubernetes
FF_MASK_ALL_DEFAULT_TOKENS                    on   used
FF_EXPORT_HIGH_CARDINALITY_METRICS            off  used
FF_USE_FLEETING_ACQUIRE_HEARTBEATS            off  of autoscalers
FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY        on   used
FF_USE_ADAPTIVE_REQUEST_CONCURRENCY           on   used
FF_USE_GITALY_CORRELATION_ID                  on   used
FF_USE_GIT_PROACTIVE_AUTH                     off  used
FF_HASH_CACHE_KEYS                            off  used
FF_ENABLE_JOB_INPUTS_INTERPOLATION            on   used
FF_USE_JOB_ROUTER                             off  named
FF_SCRIPT_TO_STEP_MIGRATION                   off  named
FF_USE_PARALLEL_CACHE_TRANSFER                off  of remote caches
FF_USE_PARALLEL_ARTIFACT_TRANSFER             off  named
FF_CONCRETE                                   off  named
FF_SUSPENDABLE_ENVIRONMENTS                   off  named
FF_USE_NATIVE_CONTAINER_STOP                  off  alike
`;

/** Flags of earlier releases, which are variables like any other. */
const RETIRED = [
  "FF_CMD_DISABLE_DELAYED_ERROR_LEVEL_EXPANSION",
  "FF_K8S_USE_ENTRYPOINT_OVER_COMMAND",
  "FF_SKIP_NOOP_BUILD_STAGES",
  "FF_USE_LEGACY_BUILDS_DIR_FOR_DOCKER",
  "FF_USE_NEW_BASH_EVAL_STRATEGY",
];

const rows = TABLE.trim().split("\n").map((line) => {
  const [name = "", state, ...fate] = line.split(/\s+/);
  return { name, isOn: state === "on", fate: fate.join(" ") };
});

const root = `${import.meta.dir}/../../..`;
const sources = ["core", "executors", "shells", "plugins"].flatMap((folder) =>
  [...new Bun.Glob(`${folder}/**/*.ts`).scanSync(root)]
    .filter((path) => !path.startsWith("core/config/"))
    .map((path) => readFileSync(`${root}/${path}`, "utf8"))
).join("\n");

test("FEATURE_FLAGS has the flags of GitLab Runner with their defaults, and no retired one", () => {
  const known = Object.keys(FEATURE_FLAGS).filter(isFeatureFlag);
  expect(known.map((name) => [name, FEATURE_FLAGS[name].default]))
    .toEqual(rows.map(({ name, isOn }) => [name as FeatureFlagName, isOn]));
  expect(RETIRED.filter(isFeatureFlag)).toEqual([]);
});

test("every feature flag is acted on, or named in the log, or beside the point", () => {
  const fates = rows.map(({ name, fate }) => {
    if (new RegExp(`\\b${name}\\b`).test(sources)) return `${name} used`;
    if (unbuiltFlag(name) !== undefined) return `${name} named`;
    return `${name} ${/^of |^alike$/.test(fate) ? fate : "forgotten"}`;
  });
  expect(fates).toEqual(rows.map(({ name, fate }) => `${name} ${fate}`));
});
