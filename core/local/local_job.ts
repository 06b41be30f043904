/** One attempt of a job in a local pipeline: takes its trace and its result from the engine. */

import type {
  JobUpdate,
  PatchOutcome,
  TraceChunk,
  UpdateOutcome,
} from "../coordinator/coordinator.ts";
import type { JobResponse } from "../job/response.ts";
import type { FinalState } from "../job/result.ts";
import type { FailedJob, OnFailedJob } from "../run/failed_job.ts";

export interface LocalJobOptions {
  readonly response: JobResponse;
  /** The executor that is to run it. */
  readonly executor: string;
  /** Called once, when the engine has the job. */
  onStart(): void;
  /** Takes the bytes of the trace, in order; they may be used again after the call. */
  onTrace(bytes: Uint8Array): void;
  readonly onFailed: OnFailedJob;
}

export class LocalJob {
  readonly response: JobResponse;
  readonly executor: string;
  /**
   * How the job ended; undefined when the engine has not said it. Never rejects; never settles for a
   * job that nobody took.
   */
  readonly finished: Promise<FinalState | undefined>;
  readonly #options: LocalJobOptions;
  readonly #finished = Promise.withResolvers<FinalState | undefined>();
  #final: FinalState | undefined;
  #started = false;
  #isCanceled = false;
  #stored = 0;
  /** Settles when so much of the trace has come. */
  #complete: PromiseWithResolvers<void> & { readonly size: number } | undefined;

  constructor(options: LocalJobOptions) {
    this.response = options.response;
    this.executor = options.executor;
    this.#options = options;
    this.finished = this.#finished.promise;
  }

  get id(): number {
    return this.response.id;
  }

  /** The engine is told with the next answer. */
  cancel(): void {
    this.#isCanceled = true;
  }

  patch({ offset, bytes }: TraceChunk): PatchOutcome {
    if (offset > this.#stored) {
      return { kind: "range-mismatch", size: this.#stored, ...this.#answer };
    }
    const fresh = bytes.subarray(this.#stored - offset);
    this.#stored += fresh.length;
    if (fresh.length > 0) this.#options.onTrace(fresh);
    this.#noteStored();
    return { kind: "accepted", stored: this.#stored, ...this.#answer };
  }

  /** What the job has printed until then is told first. */
  async tellFailed(failed: FailedJob): Promise<void> {
    this.#complete = { size: failed.traceBytes, ...Promise.withResolvers<void>() };
    this.#noteStored();
    await this.#complete.promise;
    await this.#options.onFailed(failed);
  }

  update(update: JobUpdate): UpdateOutcome {
    if (update.state !== "running") this.#final = update;
    else if (!this.#started) {
      this.#started = true;
      this.#options.onStart();
    }
    return { kind: "accepted", ...this.#answer };
  }

  /** The engine has done with it: the next job may have its place. */
  end(): void {
    this.#finished.resolve(this.#final);
  }

  /** Output is to be seen at once. */
  get #answer() {
    return { cancelRequested: this.#isCanceled, updateIntervalMs: 0 };
  }

  #noteStored(): void {
    if (this.#complete !== undefined && this.#stored >= this.#complete.size) {
      this.#complete.resolve();
    }
  }
}
