/** The jobs that run now: for the debug page, for metrics, for ending them, against running one twice. */

import type { RunnerLabels } from "../metrics/metrics.ts";

/** One running job as others may see it. */
export interface ActiveJob {
  readonly key: string;
  readonly id: number;
  /** Address of the job's page, for `/debug/jobs/list`. */
  readonly url: string;
  readonly labels: RunnerLabels;
  /** `performance.now()` when it was taken. */
  readonly startedAt: number;
  stage: string;
  /** What its executor is doing, where that tells. */
  readonly activity: () => string | undefined;
  state: "pending" | "running" | "finishing";
  /** Stops the script; what comes after it still runs. */
  cancel(): void;
  abort(reason: Error): void;
}

export class ActiveJobs {
  readonly #jobs = new Map<string, ActiveJob>();

  /** False when a job of this key is active already. */
  add(job: ActiveJob): boolean {
    if (this.#jobs.has(job.key)) return false;
    this.#jobs.set(job.key, job);
    return true;
  }

  remove(job: ActiveJob): void {
    if (this.#jobs.get(job.key) === job) this.#jobs.delete(job.key);
  }

  get all(): readonly ActiveJob[] {
    return [...this.#jobs.values()];
  }

  abortAll(reason: Error): void {
    for (const job of this.all) job.abort(reason);
  }
}
