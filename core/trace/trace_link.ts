/** Sends one job's trace and state, and keeps account of how much of the trace the coordinator has. */

import type {
  JobHandle,
  JobUpdate,
  PatchOutcome,
  UpdateOutcome,
} from "../coordinator/coordinator.ts";
import { messageOf } from "../errors.ts";
import type { FinalState } from "../job/result.ts";
import type { Semaphore } from "../util/semaphore.ts";
import type { Spool } from "./spool.ts";

export interface TraceLinkOptions {
  readonly handle: JobHandle;
  readonly spool: Spool;
  /** CI_DEBUG_TRACE or CI_DEBUG_SERVICES is on: GitLab restricts who may read the log. */
  readonly debugTrace: boolean;
  /** Permits for large chunks, shared by the jobs of one coordinator: they bound memory. */
  readonly chunks: Semaphore;
  /** The coordinator asks to stop the script. Called at most once. */
  onCancel?(): void;
  /** The coordinator says that the job is over. Called at most once, also after a cancel. */
  onAbort?(why: string): void;
}

/** What one attempt to send a part of the trace came to. */
export type SendResult =
  | { readonly kind: "sent" }
  /** The coordinator has more or less than we thought; `sentBytes` is right again. */
  | { readonly kind: "moved" }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "over" };

/** Pace until the coordinator names another one. */
const DEFAULT_INTERVAL_MS = 3000;
const LONGEST_INTERVAL_MS = 15 * 60_000;

const CHUNK_BYTES = 512 * 1024;
/** Below this a chunk needs no permit: a few lines never wait for somebody else's backlog. */
const SMALL_CHUNK_BYTES = 64 * 1024;
const SMALLEST_CHUNK_BYTES = 16 * 1024;
const PAYLOAD_TOO_LARGE = 413;
/** A coordinator that stores less than it accepts, this often in a row, is not believed any more. */
const MOST_SHORT_ANSWERS = 5;

/** Never used for two calls at a time. */
export class TraceLink {
  readonly #options: TraceLinkOptions;
  #sentBytes = 0;
  #intervalMs = DEFAULT_INTERVAL_MS;
  #chunkBytes = CHUNK_BYTES;
  #shortAnswers = 0;
  #canceled = false;
  #over = false;

  constructor(options: TraceLinkOptions) {
    this.#options = options;
  }

  /** Pause between two chunks that the coordinator asks for. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** The coordinator has said that the job is over. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Bytes that can be sent now. Not negative, also when the coordinator has more than we do. */
  get unsentBytes(): number {
    return Math.max(0, this.#options.spool.readable - this.#sentBytes);
  }

  /** The coordinator has exactly the trace as it is now. */
  get isComplete(): boolean {
    return this.#sentBytes === this.#options.spool.size;
  }

  /** Sends the next chunk; `unsentBytes` must not be 0. Rejects only when `signal` aborts. */
  async sendChunk(options: { signal: AbortSignal }): Promise<SendResult> {
    const { handle, spool, debugTrace, chunks } = this.#options;
    const length = Math.min(this.unsentBytes, this.#chunkBytes);
    using _permit = length > SMALL_CHUNK_BYTES ? await chunks.acquire(options) : undefined;
    const offset = this.#sentBytes;
    try {
      const bytes = await spool.read(offset, length);
      const outcome = await handle.patchTrace({ offset, bytes, debugTrace }, options);
      this.#heed(outcome);
      return this.#settle(outcome, offset + bytes.length);
    } catch (thrown) {
      options.signal.throwIfAborted();
      return { kind: "failed", why: messageOf(thrown) };
    }
  }

  /** Tells the coordinator that the job is alive. Rejects only when `signal` aborts. */
  keepAlive(options: { signal: AbortSignal }): Promise<UpdateOutcome> {
    return this.#update({ state: "running", trace: this.#options.spool.checksum() }, options);
  }

  /** Tells the coordinator how the job ended. Rejects only when `signal` aborts. */
  report(state: FinalState, options: { signal: AbortSignal }): Promise<UpdateOutcome> {
    return this.#update({ ...state, trace: this.#options.spool.checksum() }, options);
  }

  /** All of the trace is to be sent again; a 416 then tells where to go on. */
  restart(): void {
    this.#sentBytes = 0;
  }

  async #update(update: JobUpdate, options: { signal: AbortSignal }): Promise<UpdateOutcome> {
    try {
      const outcome = await this.#options.handle.updateJob(update, options);
      this.#heed(outcome);
      if (outcome.kind === "job-not-found") this.#end("it does not know the job");
      return outcome;
    } catch (thrown) {
      options.signal.throwIfAborted();
      return {
        kind: "unreachable",
        message: messageOf(thrown),
        cancelRequested: false,
        updateIntervalMs: undefined,
      };
    }
  }

  #settle(outcome: PatchOutcome, expected: number): SendResult {
    switch (outcome.kind) {
      case "accepted":
        return this.#accept(outcome.stored, expected);
      case "range-mismatch":
        this.#sentBytes = outcome.size ?? 0;
        return { kind: "moved" };
      case "job-over":
        return { kind: "over" };
      case "job-not-found":
        return { kind: "failed", why: "the coordinator does not find the job" };
      case "rejected":
        if (outcome.status === PAYLOAD_TOO_LARGE) {
          this.#chunkBytes = Math.max(SMALLEST_CHUNK_BYTES, this.#chunkBytes / 2);
        }
        return { kind: "failed", why: outcome.message };
      case "unreachable":
        return { kind: "failed", why: outcome.message };
    }
  }

  #accept(stored: number | undefined, expected: number): SendResult {
    const short = stored !== undefined && stored < expected;
    this.#shortAnswers = short ? this.#shortAnswers + 1 : 0;
    if (short && this.#shortAnswers <= MOST_SHORT_ANSWERS) {
      this.#sentBytes = stored;
      return { kind: "moved" };
    }
    this.#sentBytes = expected;
    return { kind: "sent" };
  }

  #heed(outcome: PatchOutcome | UpdateOutcome): void {
    if (outcome.updateIntervalMs !== undefined) {
      this.#intervalMs = Math.min(outcome.updateIntervalMs, LONGEST_INTERVAL_MS);
    }
    if (outcome.kind === "job-over") {
      this.#end(outcome.status === undefined ? "no access" : `status ${outcome.status}`);
    } else if (outcome.cancelRequested && !this.#canceled) {
      this.#canceled = true;
      this.#options.onCancel?.();
    }
  }

  #end(how: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.onAbort?.(`the coordinator ended the job: ${how}`);
  }
}
