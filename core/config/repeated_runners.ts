/** Entries of one runner that stand in the file more than once. */

import type { RunnerConfig } from "./schema.ts";

/** One sentence per entry that has the URL and the token of one before it. */
export function repeatedRunners(runners: readonly RunnerConfig[]): readonly string[] {
  const first = new Map<string, RunnerConfig>();
  return runners.flatMap((runner) => {
    const token = runner.token.reveal();
    const key = JSON.stringify([runner.url, token]);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, runner);
    if (earlier === undefined || token === "") return [];
    return [
      `runners[${runner.name}]: it has the URL and token of runners[${earlier.name}]; ` +
      "both ask for the jobs of this one runner, and their limits count all of them",
    ];
  });
}
