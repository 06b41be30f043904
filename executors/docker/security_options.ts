/** `security_opt` as the engine wants it: a seccomp profile is its text, not its path. */

import { readFileSync } from "node:fs";
import { JobConfigurationError, messageOf } from "../../core/errors.ts";

/** Throws JobConfigurationError when a profile cannot be read or is no JSON. */
export function securityOptions(options: readonly string[]): readonly string[] {
  return options.map((option) => {
    const match = /^seccomp[=:](.*)$/s.exec(option);
    const profile = match?.[1];
    if (profile === undefined || profile === "unconfined" || profile === "builtin") return option;
    return `seccomp=${compact(profile)}`;
  });
}

function compact(path: string): string {
  try {
    return JSON.stringify(
      JSON.parse(path.trimStart().startsWith("{") ? path : readFileSync(path, "utf8")),
    );
  } catch (cause) {
    throw new JobConfigurationError(
      `Cannot use the seccomp profile "${path}" of security_opt: ${messageOf(cause)}`,
      { cause },
    );
  }
}
