/** Sends a running job's trace at the coordinator's pace, and signs of life while it is silent. */

import type { Clock } from "../coordinator/clock.ts";
import type { Logger } from "../log/logger.ts";
import { link as linkSignals } from "../util/abort.ts";
import type { SendResult, TraceLink } from "./trace_link.ts";

export interface UploaderOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL: signs of life follow the coordinator's pace. */
  readonly dynamicKeepAlive: boolean;
}

/** A backlog of this size does not wait for the interval. */
const BACKLOG_BYTES = 1024 * 1024;

/** GitLab learns of a job's life, and we of its cancellation, at least this often. */
const KEEP_ALIVE_MS = 30_000;
const LONGEST_KEEP_ALIVE_MS = 30 * 60_000;
const KEEP_ALIVE_INTERVALS = 4;

/**
 * One call at a time: the first bytes at once, later ones once per interval, a large backlog back
 * to back. A failure is tried again at the next interval, for as long as the job runs.
 */
export class Uploader {
  readonly #link: TraceLink;
  readonly #options: UploaderOptions;
  readonly #stopping = new AbortController();
  readonly #requests = new AbortController();
  #nextChunkAt: number;
  /** When the coordinator last heard of the job. */
  #contactAt: number;
  #troubles = 0;
  #wakeAt = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => {};
  readonly #ended: Promise<void>;

  /** Begins to send. */
  constructor(link: TraceLink, options: UploaderOptions) {
    this.#link = link;
    this.#options = options;
    this.#nextChunkAt = this.#contactAt = options.clock.now();
    this.#ended = this.#run().catch((thrown) => {
      if (!this.#requests.signal.aborted) throw thrown;
    });
  }

  /** There are more bytes to send. */
  notify(): void {
    if (this.#dueAt() < this.#wakeAt) this.#wake();
  }

  /** Ends the loop and settles when no call is under way. `signal` cuts off one that hangs. */
  async stop(options: { signal: AbortSignal }): Promise<void> {
    const unlink = linkSignals(options.signal, this.#requests);
    this.#stopping.abort(new Error("the job has ended"));
    this.#wake();
    try {
      await this.#ended;
    } finally {
      unlink();
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stopping.signal.aborted && !this.#link.isOver) {
      const now = clock.now();
      if (this.#chunkDueAt() <= now) await this.#sendChunk();
      else if (this.#keepAliveDueAt() <= now) await this.#keepAlive();
      else await this.#sleep(this.#dueAt());
    }
  }

  #dueAt(): number {
    return Math.min(this.#chunkDueAt(), this.#keepAliveDueAt());
  }

  #chunkDueAt(): number {
    const unsent = this.#link.unsentBytes;
    if (unsent === 0) return Number.POSITIVE_INFINITY;
    const hurry = unsent >= BACKLOG_BYTES && this.#troubles === 0;
    return hurry ? Number.NEGATIVE_INFINITY : this.#nextChunkAt;
  }

  #keepAliveDueAt(): number {
    if (!this.#options.dynamicKeepAlive) return this.#contactAt + KEEP_ALIVE_MS;
    const wanted = this.#link.intervalMs * KEEP_ALIVE_INTERVALS;
    return this.#contactAt + Math.min(LONGEST_KEEP_ALIVE_MS, Math.max(KEEP_ALIVE_MS, wanted));
  }

  async #sendChunk(): Promise<void> {
    const { clock } = this.#options;
    const result = await this.#link.sendChunk({ signal: this.#requests.signal });
    const now = clock.now();
    this.#nextChunkAt = now + this.#link.intervalMs;
    if (result.kind === "sent") {
      this.#troubles = 0;
      this.#contactAt = now;
      return;
    }
    this.#troubles++;
    // The first repair of an offset goes on at once; after that something is wrong for longer.
    if (result.kind === "moved" && this.#troubles === 1) this.#nextChunkAt = now;
    this.#report(result);
  }

  #report(result: SendResult): void {
    if (result.kind !== "failed") return;
    const say = this.#troubles === 1 ? this.#options.logger.warning : this.#options.logger.debug;
    say.call(
      this.#options.logger,
      "Cannot send a part of the job's trace; it is kept and will be sent again",
      { error: result.why },
    );
  }

  async #keepAlive(): Promise<void> {
    await this.#link.keepAlive({ signal: this.#requests.signal });
    this.#contactAt = this.#options.clock.now();
  }

  async #sleep(until: number): Promise<void> {
    const waking = new AbortController();
    this.#wakeAt = until;
    this.#wake = () => waking.abort(new Error("there is something to do"));
    try {
      const { clock } = this.#options;
      await clock.delay(Math.max(0, until - clock.now()), { signal: waking.signal });
    } catch (thrown) {
      if (!waking.signal.aborted) throw thrown;
    } finally {
      this.#wakeAt = Number.NEGATIVE_INFINITY;
      this.#wake = () => {};
    }
  }
}
