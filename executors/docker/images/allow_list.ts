/** Which images and services jobs may ask for, and which of them run privileged. */

import { JobConfigurationError } from "../../../core/errors.ts";
import type { JobLog } from "../../../core/executor.ts";
import { compileGlob, matchesGlob } from "../../../core/archive/glob.ts";

export interface AllowList {
  readonly what: "images" | "services";
  /**
   * Patterns as in `registry.example.com/group/**`; none: all is allowed. They are taken as they
   * stand: a job could set any variable in them to `**`.
   */
  readonly patterns: readonly string[];
  /** The operator's own choices, which no pattern has to match. */
  readonly configured: readonly string[];
}

/** Throws JobConfigurationError for what is not allowed, after the log has told what is. */
export function checkAllowed(image: string, list: AllowList, log: JobLog): void {
  const { what, patterns, configured } = list;
  if (patterns.length === 0 || configured.includes(image) || matchesAny(image, patterns)) return;
  log.print("");
  log.error(`The "${image}" image is not present on list of allowed ${what}:`);
  for (const pattern of patterns) log.print(`- ${pattern}`);
  log.print("");
  log.print(
    `Please check runner's allowed_${what} configuration: ` +
      "https://docs.gitlab.com/runner/configuration/advanced-configuration/",
  );
  throw new JobConfigurationError(`disallowed image "${image}"`);
}

/** Whether a privileged runner starts `image` privileged. */
export function staysPrivileged(image: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || matchesAny(image, patterns);
}

/** Whether one of the globs matches the whole name; `*` stays between slashes, `**` does not. */
export function matchesAny(image: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(compileGlob(pattern), image));
}
