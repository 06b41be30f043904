/** Delivers results that the coordinator could not take when their jobs ended. */

import type { Clock } from "../coordinator/clock.ts";
import type { JobHandle } from "../coordinator/coordinator.ts";
import { messageOf } from "../errors.ts";
import type { FinalState } from "../job/result.ts";
import type { Logger } from "../log/logger.ts";
import { backoff } from "../util/retry.ts";
import { Semaphore } from "../util/semaphore.ts";
import { deliver } from "./deliver.ts";
import { errorLine } from "./lines.ts";
import type { JobRecord } from "./record.ts";
import { preciseClock, TimestampedLines } from "./timestamps.ts";
import type { Delivery } from "./trace.ts";
import { TraceLink } from "./trace_link.ts";

export interface OutboxOptions {
  /** Calls about the record's job, as its runner entry or what the record says of it allows. */
  handleFor(record: JobRecord): JobHandle;
  /** Shared with running traces: bounds the memory of large chunks. */
  readonly chunks: Semaphore;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY = { minMs: 1000, maxMs: 5 * 60_000 };

/** GitLab has long ended a job by then, and its token is void. */
const LONGEST_KEPT_MS = 7 * 24 * 3_600_000;

const AT_A_TIME = 4;

/** Keeps trying, for each record that was added, until the coordinator has answered. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #turns = new Semaphore(AT_A_TIME);
  readonly #waiting = new Set<JobRecord>();
  readonly #signal: AbortSignal;
  readonly #tasks = new Set<Promise<void>>();

  /** Works until `signal` aborts; records that are left then stay on disk. */
  constructor(options: OutboxOptions & { readonly signal: AbortSignal }) {
    this.#options = options;
    this.#signal = options.signal;
  }

  /** Results that are still to be delivered. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Takes over a record whose result is decided and whose trace nobody has open. */
  add(record: JobRecord): void {
    this.#waiting.add(record);
    const task = this.#keepTrying(record).catch((thrown) => {
      if (this.#signal.aborted) return;
      this.#log(record).error("Cannot deliver a job's result", { error: messageOf(thrown) });
    }).finally(() => {
      this.#waiting.delete(record);
      this.#tasks.delete(task);
    });
    this.#tasks.add(task);
  }

  /** Settles when nothing is left to do, or nothing more is done after the abort. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  async #keepTrying(record: JobRecord): Promise<void> {
    const { clock } = this.#options;
    for (let attempt = 0;; attempt++) {
      if (this.#isTooOld(record)) {
        this.#log(record).error(
          "Dropped a job's result: the coordinator could not take it in time",
        );
        record.remove();
        return;
      }
      await clock.delay(backoff(attempt, { ...RETRY, random: clock.random }), {
        signal: this.#signal,
      });
      const delivery = await this.#try(record);
      if (delivery.kind !== "kept") {
        this.#log(record).info("Delivered a kept job's result", { outcome: delivery.kind });
        record.remove();
        return;
      }
      this.#log(record).debug("Cannot deliver a job's result yet", { error: delivery.why });
    }
  }

  /** Rejects only on abort: what is wrong with this machine may be put right as well. */
  async #try(record: JobRecord): Promise<Delivery> {
    using _turn = await this.#turns.acquire({ signal: this.#signal });
    try {
      return await deliverRecord(record, this.#options.handleFor(record), {
        ...this.#options,
        signal: this.#signal,
      });
    } catch (thrown) {
      this.#signal.throwIfAborted();
      const why = messageOf(thrown);
      this.#log(record).warning("Cannot read a kept job's result; it is tried again", {
        error: why,
      });
      return { kind: "kept", why };
    }
  }

  #isTooOld(record: JobRecord): boolean {
    const since = record.decidedAt ?? record.startedAt;
    return this.#options.clock.now() - since.getTime() > LONGEST_KEPT_MS;
  }

  #log(record: JobRecord): Logger {
    const { jobId, runner } = record.facts;
    return this.#options.logger.with({ job: jobId, runner });
  }
}

/** One attempt to deliver a record's trace and result, from wherever the coordinator stands. */
export async function deliverRecord(
  record: JobRecord,
  handle: JobHandle,
  options: { chunks: Semaphore; clock: Clock; signal: AbortSignal },
): Promise<Delivery> {
  const state = record.finalState;
  if (state === undefined) return { kind: "kept", why: "the job has no result yet" };
  await using spool = record.openSpool();
  const { debugTrace } = record.facts;
  const link = new TraceLink({ handle, spool, debugTrace, chunks: options.chunks });
  return await deliver(link, state, options);
}

/** Ends the trace of a job whose manager died with an error line `text`, and decides its result. */
export async function recover(
  record: JobRecord,
  text: string,
  state: FinalState,
): Promise<void> {
  await using spool = record.openSpool();
  const append = (bytes: Uint8Array, start: number, end: number) =>
    spool.append(bytes, start, end, true);
  if (await endsWithinLine(spool)) append(Buffer.from("\n"), 0, 1);
  const line = Buffer.from(errorLine(text));
  if (record.facts.timestamps) new TimestampedLines("00O", append, preciseClock()).add(line);
  else append(line, 0, line.length);
  await spool.flush();
  record.decide(state);
  await record.sync();
}

async function endsWithinLine(spool: ReturnType<JobRecord["openSpool"]>): Promise<boolean> {
  if (spool.size === 0) return false;
  const last = await spool.read(spool.size - 1, 1);
  return last[0] !== 0x0a;
}
