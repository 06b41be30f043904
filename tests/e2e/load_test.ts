/** Many jobs at the same time. */

import { expect, test } from "bun:test";

import { expectSuccess, Lab } from "./lab.ts";
import { peakMemoryMiB } from "../fixtures/processes.ts";

const JOBS = 200;
/** The manager stays small however many jobs it watches over. */
const MOST_MEMORY_MIB = 150;

test(
  "200 jobs run at once, all succeed with their whole log, and the manager stays small",
  async () => {
    await using lab = await Lab.open({
      globals: [`concurrent = ${JOBS}`, 'log_level = "info"'],
      requestConcurrency: 10,
      coordinator: { updateIntervalSeconds: 3 },
    });
    const gate = lab.gate("all");
    const jobs = Array.from({ length: JOBS }, (_, index) =>
      lab.enqueue({
        name: `job-${index}`,
        script: [
          "for n in 1 2 3 4 5; do echo line-$n-$CI_JOB_NAME; done",
          gate.wait.replace("0.05", "0.5"),
          "echo done-$CI_JOB_NAME",
        ],
      }));
    lab.start();
    await Promise.all(jobs.map((job) => job.accepted));
    expect(jobs.filter((job) => job.isRunning).length).toBe(JOBS);
    gate.open();
    for (const [index, job] of jobs.entries()) {
      const finished = await lab.finished(job);
      expectSuccess(finished);
      const printed = finished.lines.filter((line) => line.endsWith(`-job-${index}`));
      expect(printed).toEqual([
        ...[1, 2, 3, 4, 5].map((n) => `line-${n}-job-${index}`),
        `done-job-${index}`,
      ]);
    }
    expect(peakMemoryMiB(lab.process.pid)).toBeLessThan(MOST_MEMORY_MIB);
    lab.expectNoFindings();
  },
  120_000,
);
