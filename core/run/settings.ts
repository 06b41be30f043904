/** Variables that steer the runner itself, checked once; a bad value is told and its default used. */

import type { JobVariables } from "../job/variables.ts";
import type { JobRun } from "./job_run.ts";
import { parseBoolean } from "../util/units.ts";

export type GitStrategy = "clone" | "fetch" | "none" | "empty";
/** `invalid`: it names none of them, which fails the stage that would need to know. */
export type SubmoduleStrategy = "none" | "normal" | "recursive" | "invalid";

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
  /** Of a stage whose container was taken away. */
  readonly sectionAttempts: number;
  /** As the job writes them; {@link ./stage_limit.ts} judges them when the time left is known. */
  readonly scriptTimeout: string;
  readonly afterScriptTimeout: string;
  readonly afterScriptIgnoreErrors: boolean;
  readonly cacheRequestTimeoutMinutes: number;
  readonly cacheFallbackKey: string;
  readonly debugTrace: boolean;
  /** The services' logs go into the job's. */
  readonly debugServices: boolean;
  /** One sentence per bad value, for the trace. */
  readonly problems: readonly string[];
}

const MAX_ATTEMPTS = 10;

/** The settings of a job, as `variables` have them. Never throws. */
export function settingsOf({ spec, runner }: JobRun, variables: JobVariables): JobSettings {
  return jobSettings(variables, {
    allowGitFetch: spec.allowGitFetch,
    gitDepth: spec.git.depth,
    debugTraceDisabled: runner.debug_trace_disabled,
  });
}

/** Never throws; `defaults` come from the payload and from config.toml. */
export function jobSettings(
  variables: JobVariables,
  defaults: { allowGitFetch: boolean; gitDepth: number; debugTraceDisabled: boolean },
): JobSettings {
  const read = new SettingReader(variables);
  const gitDepth = read.depth("GIT_DEPTH", Math.max(0, defaults.gitDepth));
  const cleanFlags = variables.get("GIT_CLEAN_FLAGS");
  const debugging = read.debugging(defaults.debugTraceDisabled);
  return {
    gitStrategy: read.choice(
      "GIT_STRATEGY",
      ["clone", "fetch", "none", "empty"],
      defaults.allowGitFetch ? "fetch" : "clone",
    ),
    gitCheckout: read.flag("GIT_CHECKOUT", true),
    gitDepth,
    gitCleanFlags: cleanFlags === "none" ? undefined : words(cleanFlags, ["-ffdx"]),
    gitFetchFlags: words(variables.get("GIT_FETCH_EXTRA_FLAGS"), ["--prune", "--quiet"]),
    gitClonePath: variables.get("GIT_CLONE_PATH"),
    submoduleStrategy: read.submoduleStrategy(),
    submoduleDepth: read.depth("GIT_SUBMODULE_DEPTH", gitDepth),
    submodulePaths: words(variables.get("GIT_SUBMODULE_PATHS"), []),
    submoduleUpdateFlags: words(variables.get("GIT_SUBMODULE_UPDATE_FLAGS"), []),
    submoduleForceHttps: read.flag("GIT_SUBMODULE_FORCE_HTTPS", false),
    lfsSkipSmudge: read.flag("GIT_LFS_SKIP_SMUDGE", false),
    getSourcesAttempts: read.attempts("GET_SOURCES_ATTEMPTS"),
    restoreCacheAttempts: read.attempts("RESTORE_CACHE_ATTEMPTS"),
    artifactDownloadAttempts: read.attempts("ARTIFACT_DOWNLOAD_ATTEMPTS"),
    sectionAttempts: read.attempts("EXECUTOR_JOB_SECTION_ATTEMPTS"),
    scriptTimeout: variables.get("RUNNER_SCRIPT_TIMEOUT").trim(),
    afterScriptTimeout: variables.get("RUNNER_AFTER_SCRIPT_TIMEOUT").trim(),
    afterScriptIgnoreErrors: read.flag("AFTER_SCRIPT_IGNORE_ERRORS", true),
    cacheRequestTimeoutMinutes: Math.max(1, read.integer("CACHE_REQUEST_TIMEOUT", 10)),
    cacheFallbackKey: variables.get("CACHE_FALLBACK_KEY"),
    ...debugging,
    problems: read.problems,
  };
}

/** What a job asks for that may put secrets into its log, as far as config.toml lets it. */
type Debugging = Pick<JobSettings, "debugTrace" | "debugServices">;

export function debuggingOf(
  variables: JobVariables,
  options: { isDisabled: boolean },
): Debugging {
  return new SettingReader(variables).debugging(options.isDisabled);
}

/** Reads variables one by one, and keeps what is wrong with them. */
class SettingReader {
  readonly #variables: JobVariables;
  readonly #problems: string[] = [];

  constructor(variables: JobVariables) {
    this.#variables = variables;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  tell(problem: string): void {
    this.#problems.push(problem);
  }

  choice<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
    const value = this.#variables.get(key);
    const known = allowed.find((each) => each === value);
    if (known === undefined && value !== "") {
      this.tell(
        `${key}: expected either ${alternatives(allowed)} got "${value}", ` +
          `using default value '${fallback}'`,
      );
    }
    return known ?? fallback;
  }

  integer(key: string, fallback: number): number {
    const text = this.#variables.get(key);
    if (text === "") return fallback;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value)) return value;
    this.tell(`${key}: expected int got "${text}", using default value: ${fallback}`);
    return fallback;
  }

  depth(key: string, fallback: number): number {
    return Math.max(0, this.integer(key, fallback));
  }

  attempts(key: string): number {
    const wanted = this.integer(key, 1);
    const value = Math.max(1, Math.min(MAX_ATTEMPTS, wanted));
    if (value !== wanted) {
      this.tell(
        `${key}: number of attempts out of the range [1, ${MAX_ATTEMPTS}], clamping to: ${value}`,
      );
    }
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const text = this.#variables.get(key);
    if (text === "") return fallback;
    const value = parseBoolean(text);
    if (value === undefined) {
      this.tell(`${key}: expected bool got "${text}", using default value: ${fallback}`);
    }
    return value ?? fallback;
  }

  debugging(isDisabled: boolean): Debugging {
    const isOn = (key: string) => {
      const isWanted = this.flag(key, false);
      if (isWanted && isDisabled) this.tell(`${key}: usage is disabled on this Runner`);
      return isWanted && !isDisabled;
    };
    return { debugTrace: isOn("CI_DEBUG_TRACE"), debugServices: isOn("CI_DEBUG_SERVICES") };
  }

  submoduleStrategy(): SubmoduleStrategy {
    const text = this.#variables.get("GIT_SUBMODULE_STRATEGY");
    switch (text) {
      case "":
      case "none":
        return "none";
      case "normal":
      case "recursive":
        return text;
      default:
        this.tell(
          `GIT_SUBMODULE_STRATEGY: expected either 'normal', 'recursive' or 'none' got "${text}"`,
        );
        return "invalid";
    }
  }
}

/** `'a', 'b' or 'c'`. */
function alternatives(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** Words as a user writes flags in a variable; an empty variable means the default. */
function words(text: string, fallback: readonly string[]): readonly string[] {
  const found = text.split(/\s+/).filter((word) => word !== "");
  return found.length === 0 ? fallback : found;
}
