/** The engines that the executor promises to run jobs on, as tests have them. */

import { describe, test } from "bun:test";
import { missingForDocker, type TestEngine, useEngine } from "./dockerd.ts";
import { missingForPodman, usePodman } from "./podman.ts";

const ENGINES = [
  { name: "docker", missing: missingForDocker(), use: useEngine },
  { name: "podman", missing: missingForPodman(), use: () => usePodman() },
];

type Reach = Parameters<typeof useEngine>[0];

/** One suite per engine; where there is none, a skipped test that says what is missing. */
export function onEachEngine(
  what: string,
  suite: (name: string, use: (reach?: Reach) => Promise<TestEngine>) => void,
): void {
  for (const { name, missing, use } of ENGINES) {
    const title = `${what} on ${name}`;
    if (missing === undefined) describe(title, () => suite(title, use));
    else test.skip(`${title}: NOT RUN, ${missing}`, () => {});
  }
}
