/** Jobs waiting for a runner, and the runners waiting for jobs. */

import type { EmbeddedJob } from "./jobs.ts";
import type { EmbeddedRunner, RunnerStore } from "./runners.ts";

export class JobQueue {
  readonly #runners: RunnerStore;
  #pending: EmbeddedJob[] = [];

  constructor(runners: RunnerStore) {
    this.#runners = runners;
  }

  get size(): number {
    return this.#pending.length;
  }

  /** Offers the job: every runner that may take it has its queue token replaced. */
  add(job: EmbeddedJob): void {
    job.offer();
    this.#pending.push(job);
    for (const runner of this.#runners.all()) if (mayTake(runner, job)) runner.tick();
  }

  /** The oldest job this runner may take, no longer in the queue. */
  take(runner: EmbeddedRunner): EmbeddedJob | undefined {
    const index = this.#pending.findIndex((job) => mayTake(runner, job));
    return index < 0 ? undefined : this.#pending.splice(index, 1)[0];
  }

  remove(job: EmbeddedJob): void {
    this.#pending = this.#pending.filter((pending) => pending !== job);
  }
}

/** GitLab's rule: the runner has all of the job's tags, or takes untagged jobs. */
function mayTake(runner: EmbeddedRunner, job: EmbeddedJob): boolean {
  if (job.reservedFor !== undefined) return job.reservedFor === runner;
  if (job.tags.length === 0) return runner.runUntagged;
  return job.tags.every((tag) => runner.tags.includes(tag));
}
