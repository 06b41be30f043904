/** Jobs that do nothing: what the runner itself costs. */

import type { Benchmark } from "../benchmark.ts";
import type { JobDescriptionInput } from "../../../core/embedded/mod.ts";
import { jobMs, jobsMs, Lab, succeeded } from "../lab.ts";
import { withRepository } from "../repository.ts";

export const NO_OP: JobDescriptionInput = { script: "true", variables: { GIT_STRATEGY: "none" } };

export const noOpJob: Benchmark = {
  name: "true",
  runs: 21,
  quantities: [{ what: "shell job `true`, handed out → final update", unit: "ms", goal: 25 }],
  async *measure({ executable, runs, scratch }) {
    await using lab = await Lab.open({ executable, scratch });
    yield* oneByOne(lab, NO_OP, runs);
  },
};

export const gitJob: Benchmark = {
  name: "git",
  runs: 21,
  quantities: [{ what: "the same with git fetch into a clone", unit: "ms", goal: 75 }],
  async *measure({ executable, runs, scratch }) {
    await using lab = await Lab.open({ executable, scratch });
    yield* oneByOne(lab, await withRepository(lab), runs);
  },
};

export const manyJobs: Benchmark = {
  name: "hundred",
  runs: 3,
  quantities: [{ what: "100 jobs `true`, concurrent = 10", unit: "s", goal: 1.5 }],
  async *measure({ executable, runs, scratch }) {
    await using lab = await Lab.open({ executable, scratch, concurrent: 10 });
    yield* hundreds(lab, NO_OP, runs);
  },
};

export const manyGitJobs: Benchmark = {
  name: "hundred-git",
  runs: 3,
  quantities: [{ what: "100 jobs with git fetch, concurrent = 10", unit: "s", goal: 1.5 }],
  async *measure({ executable, runs, scratch }) {
    await using lab = await Lab.open({ executable, scratch, concurrent: 10 });
    const job = await withRepository(lab);
    // Ten at once make all ten checkouts.
    await Promise.all(Array.from({ length: 10 }, () => lab.run({ ...job, script: "sleep 0.5" })));
    yield* hundreds(lab, job, runs);
  },
};

export const firstByte: Benchmark = {
  name: "first-byte",
  runs: 11,
  quantities: [{ what: "job handed out → first log byte", unit: "ms", goal: 60 }],
  async *measure({ executable, runs, scratch }) {
    await using lab = await Lab.open({ executable, scratch });
    await lab.run(NO_OP);
    for (let run = 0; run < runs; run++) {
      const { times } = await lab.run({ ...NO_OP, script: "echo hello; sleep 0.3" });
      yield [(times.firstByte ?? Infinity) - (times.handedOut ?? 0)];
    }
  },
};

/** What follows a job, such as tidying up, must be over before the next is measured. */
const PAUSE_MS = 60;

export async function* oneByOne(lab: Lab, job: JobDescriptionInput, runs: number) {
  for (let warmUp = 0; warmUp < 3; warmUp++) await lab.run(job);
  for (let run = 0; run < runs; run++) {
    await Bun.sleep(PAUSE_MS);
    yield [jobMs(await lab.run(job))];
  }
}

async function* hundreds(lab: Lab, job: JobDescriptionInput, runs: number) {
  await lab.run(job);
  for (let run = 0; run < runs; run++) {
    const jobs = Array.from({ length: 100 }, () => lab.enqueue(job));
    await Promise.all(jobs.map(succeeded));
    yield [jobsMs(jobs) / 1000];
    await Bun.sleep(500);
  }
}
