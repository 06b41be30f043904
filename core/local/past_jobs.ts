/** What jobs of a run have left for others, by the pipelines they were in. */

import type { JobOfPipeline } from "../pipeline/pipeline.ts";

/** A job that has run and may have left something for later ones. */
export interface PastJob {
  readonly id: number;
  readonly succeeded: boolean;
  readonly dotenv: ReadonlyMap<string, string>;
}

/** Another pipeline that is none of this run, or a job there that has left nothing. */
export type NoPastJob = "no-pipeline" | "no-job";

export class PastJobs {
  /** By the path of the pipeline and the job's name. */
  readonly #jobs = new Map<string, PastJob>();
  /** Paths, by the numbers of pipelines. */
  readonly #pipelines = new Map<string, readonly string[]>();

  /** A pipeline of this number begins, below these trigger jobs. */
  open(id: string, path: readonly string[]): void {
    this.#pipelines.set(id, path);
  }

  set(path: readonly string[], name: string, job: PastJob): void {
    this.#jobs.set(JSON.stringify([...path, name]), job);
  }

  get(path: readonly string[], name: string): PastJob | undefined {
    return this.#jobs.get(JSON.stringify([...path, name]));
  }

  /** Of another pipeline only what jobs that succeeded have made is to be had, as on the server. */
  find({ pipeline, job }: JobOfPipeline): PastJob | NoPastJob {
    const path = this.#pipelines.get(pipeline);
    if (path === undefined) return "no-pipeline";
    const found = this.get(path, job);
    return found?.succeeded === true ? found : "no-job";
  }

  /** Those of the root pipeline, with their names. */
  ofRoot(): readonly (readonly [string, PastJob])[] {
    return [...this.#jobs].flatMap(([key, job]) => {
      const [name, ...below]: readonly string[] = JSON.parse(key);
      return name === undefined || below.length > 0 ? [] : [[name, job] as const];
    });
  }
}
