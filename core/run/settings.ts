/** Variables that steer the runner itself, checked once; a bad value is told and its default used. */

import { parseDuration } from "../util/units.ts";
import type { JobVariables } from "../job/variables.ts";

export type GitStrategy = "clone" | "fetch" | "none" | "empty";
export type SubmoduleStrategy = "none" | "normal" | "recursive";

/** Inventory sections 4.5 and 4.6. */
export interface JobSettings {
  readonly gitStrategy: GitStrategy;
  readonly gitCheckout: boolean;
  /** 0: the whole history. */
  readonly gitDepth: number;
  readonly gitCleanFlags: readonly string[] | undefined;
  readonly gitFetchFlags: readonly string[];
  readonly gitClonePath: string;
  readonly submoduleStrategy: SubmoduleStrategy;
  readonly submoduleDepth: number;
  readonly submodulePaths: readonly string[];
  readonly submoduleUpdateFlags: readonly string[];
  readonly submoduleForceHttps: boolean;
  readonly lfsSkipSmudge: boolean;
  readonly getSourcesAttempts: number;
  readonly restoreCacheAttempts: number;
  readonly artifactDownloadAttempts: number;
  /** Undefined: only the job's own limit applies. */
  readonly scriptTimeoutMs: number | undefined;
  readonly afterScriptTimeoutMs: number;
  readonly afterScriptIgnoreErrors: boolean;
  readonly cacheRequestTimeoutMinutes: number;
  readonly cacheFallbackKey: string;
  readonly debugTrace: boolean;
  /** One sentence per bad value, for the trace. */
  readonly problems: readonly string[];
}

const AFTER_SCRIPT_TIMEOUT_MS = 5 * 60_000;
const MAX_ATTEMPTS = 10;

/** Never throws; `defaults` come from the payload and from config.toml. */
export function jobSettings(
  variables: JobVariables,
  defaults: { allowGitFetch: boolean; gitDepth: number; debugTraceDisabled: boolean },
): JobSettings {
  const problems: string[] = [];
  const choice = <T extends string>(key: string, allowed: readonly T[], fallback: T): T => {
    const value = variables.get(key).toLowerCase();
    const known = allowed.find((each) => each === value);
    if (known === undefined && value !== "") {
      problems.push(
        `${key}: expected ${allowed.join(", ")}, got "${variables.get(key)}", using "${fallback}"`,
      );
    }
    return known ?? fallback;
  };
  const integer = (key: string, fallback: number, min: number, max: number): number => {
    const text = variables.get(key);
    if (text === "") return fallback;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      problems.push(
        `${key}: expected a whole number from ${min} to ${max}, got "${text}", using ${fallback}`,
      );
      return fallback;
    }
    return value;
  };
  const duration = (key: string): number | undefined => {
    const text = variables.get(key);
    if (text === "") return undefined;
    const value = parseDuration(text);
    if (value === undefined || value <= 0) {
      problems.push(`${key}: expected a duration such as 10m, got "${text}", ignoring it`);
      return undefined;
    }
    return value;
  };
  const flag = (key: string, fallback: boolean): boolean => {
    const text = variables.get(key);
    if (text === "") return fallback;
    if (/^(1|t|true)$/i.test(text)) return true;
    if (/^(0|f|false)$/i.test(text)) return false;
    problems.push(`${key}: expected true or false, got "${text}", using ${fallback}`);
    return fallback;
  };

  const gitDepth = integer("GIT_DEPTH", Math.max(0, defaults.gitDepth), 0, 2 ** 31 - 1);
  const cleanFlags = variables.get("GIT_CLEAN_FLAGS");
  const debugTrace = flag("CI_DEBUG_TRACE", false);
  if (debugTrace && defaults.debugTraceDisabled) {
    problems.push("CI_DEBUG_TRACE: usage is disabled on this Runner");
  }
  return {
    gitStrategy: choice(
      "GIT_STRATEGY",
      ["clone", "fetch", "none", "empty"],
      defaults.allowGitFetch ? "fetch" : "clone",
    ),
    gitCheckout: flag("GIT_CHECKOUT", true),
    gitDepth,
    gitCleanFlags: cleanFlags === "none" ? undefined : words(cleanFlags, ["-ffdx"]),
    gitFetchFlags: words(variables.get("GIT_FETCH_EXTRA_FLAGS"), ["--prune", "--quiet"]),
    gitClonePath: variables.get("GIT_CLONE_PATH"),
    submoduleStrategy: choice("GIT_SUBMODULE_STRATEGY", ["none", "normal", "recursive"], "none"),
    submoduleDepth: integer("GIT_SUBMODULE_DEPTH", gitDepth, 0, 2 ** 31 - 1),
    submodulePaths: words(variables.get("GIT_SUBMODULE_PATHS"), []),
    submoduleUpdateFlags: words(variables.get("GIT_SUBMODULE_UPDATE_FLAGS"), []),
    submoduleForceHttps: flag("GIT_SUBMODULE_FORCE_HTTPS", false),
    lfsSkipSmudge: flag("GIT_LFS_SKIP_SMUDGE", false),
    getSourcesAttempts: integer("GET_SOURCES_ATTEMPTS", 1, 1, MAX_ATTEMPTS),
    restoreCacheAttempts: integer("RESTORE_CACHE_ATTEMPTS", 1, 1, MAX_ATTEMPTS),
    artifactDownloadAttempts: integer("ARTIFACT_DOWNLOAD_ATTEMPTS", 1, 1, MAX_ATTEMPTS),
    scriptTimeoutMs: duration("RUNNER_SCRIPT_TIMEOUT"),
    afterScriptTimeoutMs: duration("RUNNER_AFTER_SCRIPT_TIMEOUT") ?? AFTER_SCRIPT_TIMEOUT_MS,
    afterScriptIgnoreErrors: flag("AFTER_SCRIPT_IGNORE_ERRORS", true),
    cacheRequestTimeoutMinutes: integer("CACHE_REQUEST_TIMEOUT", 10, 1, 24 * 60),
    cacheFallbackKey: variables.get("CACHE_FALLBACK_KEY"),
    debugTrace: debugTrace && !defaults.debugTraceDisabled,
    problems,
  };
}

/** Words as a user writes flags in a variable; an empty variable means the default. */
function words(text: string, fallback: readonly string[]): readonly string[] {
  const found = text.split(/\s+/).filter((word) => word !== "");
  return found.length === 0 ? fallback : found;
}
