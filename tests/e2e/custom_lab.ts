/** A runner whose jobs go to programs of a test's own, by the custom executor. */

import type { Lab } from "./lab.ts";

/** Makes that its only entry. `lines` are TOML of `[runners.custom]`. */
export function useCustom(lab: Lab, lines: readonly string[]): void {
  lab.process.configure([{
    url: lab.coordinator.url,
    token: lab.runner.token,
    lines: [
      'executor = "custom"',
      `builds_dir = "${lab.path("builds")}"`,
      `cache_dir = "${lab.path("cache")}"`,
      "[runners.feature_flags]",
      "FF_TIMESTAMPS = false",
      "[runners.custom]",
      ...lines,
    ],
  }]);
}
