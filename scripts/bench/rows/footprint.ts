/** What the manager takes from its machine: doing nothing, and watching over many jobs. */

import type { Benchmark, MeasureOptions } from "../benchmark.ts";
import { Lab } from "../lab.ts";

/** The runtime looks for garbage every second until it has found none for half a minute. */
const SETTLE_MS = 35_000;
/** A collection, of some milliseconds, comes about once a minute: a shorter look is luck. */
const IDLE_MS = 60_000;

export const idle: Benchmark = {
  name: "idle",
  runs: 1,
  quantities: [
    { what: "idle memory", unit: "MiB", goal: 45 },
    { what: "idle CPU", unit: "%", goal: 0.1 },
  ],
  async *measure({ executable, runs, scratch }) {
    for (let run = 0; run < runs; run++) {
      await using lab = await Lab.open({ executable, scratch, shortPolls: true });
      await Bun.sleep(SETTLE_MS);
      const before = lab.manager.cpuMs;
      await Bun.sleep(IDLE_MS);
      yield [lab.manager.residentMiB, (lab.manager.cpuMs - before) / IDLE_MS * 100];
    }
  },
};

/** About 20 KB a second in lines of 100 bytes. */
const TALK = `for i in {1..20}; do
  for j in {1..50}; do echo "$i $j ${"compiling a module of the product ".repeat(3)}"; done
  sleep 0.25
done`;

export const talkingJobs: Benchmark = {
  name: "talking",
  runs: 3,
  quantities: [{ what: "peak memory, 50 jobs that talk", unit: "MiB", goal: 88 }],
  measure: (options) => peaks(options, 50, TALK),
};

export const manyAtOnce: Benchmark = {
  name: "two-hundred",
  runs: 3,
  quantities: [{ what: "peak memory, 200 jobs at once", unit: "MiB", goal: 150 }],
  measure: (options) => peaks(options, 200, "sleep 3; echo done"),
};

async function* peaks(
  { executable, runs, scratch }: MeasureOptions,
  jobs: number,
  script: string,
) {
  for (let run = 0; run < runs; run++) {
    await using lab = await Lab.open({ executable, scratch, concurrent: jobs });
    const job = { script, variables: { GIT_STRATEGY: "none" } };
    await Promise.all(Array.from({ length: jobs }, () => lab.run(job)));
    yield [lab.manager.peakMiB];
  }
}
