/** Finds the jobs that a name stands for. */

import type { CiConfig, CiJob } from "./ci_config.ts";
import { type JobInstance, jobInstances } from "./parallel.ts";

export interface IndexedJob {
  readonly job: CiJob;
  readonly instance: JobInstance;
  /** Position of its stage. */
  readonly stageAt: number;
}

/** Every job with all its instances, whether or not it is part of a pipeline. */
export class JobIndex {
  /** In the order of the files. Of several with one name the last counts, at the place of the first. */
  readonly all: readonly IndexedJob[];
  readonly #byName = new Map<string, IndexedJob>();
  readonly #byBase = new Map<string, readonly IndexedJob[]>();

  constructor(config: CiConfig) {
    const stageAt = new Map(config.stages.map((stage, at) => [stage, at]));
    for (const job of config.jobs.values()) {
      const instances = jobInstances(job).map((instance) => ({
        job,
        instance,
        stageAt: stageAt.get(job.stage) ?? -1,
      }));
      this.#byBase.set(job.name, instances);
      for (const indexed of instances) this.#byName.set(indexed.instance.name, indexed);
    }
    this.all = [...this.#byName.values()];
  }

  /** The one job of this full name. */
  get(name: string): IndexedJob | undefined {
    return this.#byName.get(name);
  }

  /** All instances of a job, or the one instance of this full name; empty: there is none. */
  named(name: string): readonly IndexedJob[] {
    const instances = this.#byBase.get(name);
    if (instances !== undefined) return instances;
    const one = this.#byName.get(name);
    return one === undefined ? [] : [one];
  }
}
