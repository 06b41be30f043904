/** One job's trace: mask, stamp, limit, store, send. */

import type { Clock } from "../coordinator/clock.ts";
import type { JobHandle } from "../coordinator/coordinator.ts";
import { codeOf, messageOf, type SystemFailure } from "../errors.ts";
import type { OutputSink, OutputStream } from "../executor.ts";
import type { FinalState } from "../job/result.ts";
import type { Logger } from "../log/logger.ts";
import type { Semaphore } from "../util/semaphore.ts";
import { deliver } from "./deliver.ts";
import {
  errorLine,
  noticeLine,
  plainLine,
  sectionEnd,
  sectionStart,
  titleLine,
  warningLine,
} from "./lines.ts";
import { MaskRules } from "./masker.ts";
import { OutputLimit } from "./output_limit.ts";
import type { JobRecord } from "./record.ts";
import type { Spool } from "./spool.ts";
import { preciseClock } from "./timestamps.ts";
import type { Delivery, JobTrace } from "./trace.ts";
import { TraceLink } from "./trace_link.ts";
import { TraceStream } from "./trace_stream.ts";
import { Uploader } from "./uploader.ts";

/** A job that has ended by then need not be answered for after a loss of power. */
const LONG_JOB_MS = 1000;

/** A coordinator that is well has a result long before. */
const TAKEN_AT_ONCE_MS = 200;

export interface TraceOptions {
  /** Holds the trace and, once decided, the result. Its owner removes it, not the trace. */
  readonly record: JobRecord;
  readonly handle: JobHandle;
  /** `output_limit`, in bytes. */
  readonly limitBytes: number;
  /** The coordinator knows section markers (`features.trace_sections`). */
  readonly sections: boolean;
  readonly masks: readonly string[];
  /** Of {@link ./masker.ts}: `tokenPrefixes`. */
  readonly tokenPrefixes: readonly string[];
  /** FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL. */
  readonly dynamicKeepAlive: boolean;
  /** Permits for large chunks, shared by the jobs of one coordinator. */
  readonly chunks: Semaphore;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The coordinator asks to stop the script; at most once. */
  onCancel(): void;
  /** The coordinator says that the job is over; at most once. */
  onAbort(why: string): void;
  /** The disk refuses the trace: the job cannot go on; at most once. */
  onDiskFailure(failure: SystemFailure): void;
}

/** Opens the trace of a job that is about to run, and begins to send it. Throws SystemFailure. */
export function openTrace(options: TraceOptions): JobTrace {
  return new SpooledTrace(options);
}

class SpooledTrace implements JobTrace {
  readonly output: OutputSink;
  readonly #options: TraceOptions;
  readonly #rules: MaskRules;
  readonly #spool: Spool;
  readonly #limit: OutputLimit;
  readonly #link: TraceLink;
  readonly #uploader: Uploader;
  readonly #runner: TraceStream;
  readonly #output: Readonly<Record<OutputStream, TraceStream>>;
  readonly #longJob: ReturnType<typeof setTimeout>;

  constructor(options: TraceOptions) {
    this.#options = options;
    this.#rules = new MaskRules(options.tokenPrefixes);
    this.#rules.addValues(options.masks);
    const { handle, record, chunks, clock, logger, dynamicKeepAlive } = options;
    const spool = record.createSpool({
      onStored: () => this.#uploader.notify(),
      onFailure: (failure) => options.onDiskFailure(failure),
    });
    this.#spool = spool;
    this.#limit = new OutputLimit(
      options.limitBytes,
      (bytes, start, end, vital) => spool.append(bytes, start, end, vital),
    );
    this.#link = new TraceLink({
      handle,
      spool,
      debugTrace: record.facts.debugTrace,
      chunks,
      onCancel: () => options.onCancel(),
      onAbort: (why) => options.onAbort(why),
    });
    this.#uploader = new Uploader(this.#link, { clock, logger, dynamicKeepAlive });
    const now = record.facts.timestamps ? preciseClock() : undefined;
    this.#runner = new TraceStream("00O", this.#rules, this.#limit, now);
    this.#output = {
      stdout: new TraceStream("01O", this.#rules, this.#limit, now),
      stderr: new TraceStream("01E", this.#rules, this.#limit, now),
      services: new TraceStream("0fO", this.#rules, this.#limit, now),
    };
    this.output = { write: (bytes, stream) => this.#write(bytes, stream ?? "stdout") };
    this.#longJob = setTimeout(() => void this.#sync("job"), LONG_JOB_MS);
  }

  get size(): number {
    return this.#spool.size;
  }

  addMasks(values: readonly string[]): void {
    this.#rules.addValues(values);
  }

  print(text: string): void {
    this.#say(plainLine(text));
  }

  notice(text: string): void {
    this.#say(noticeLine(text));
  }

  warning(text: string): void {
    this.#say(warningLine(text));
  }

  error(text: string): void {
    this.#say(errorLine(text));
  }

  startSection(name: string, title: string, options: { collapsed?: boolean } = {}): void {
    this.#flushOutput();
    if (this.#options.sections) {
      this.#runner.writeWhole(sectionStart(name, unixSeconds(), options.collapsed ?? false));
    }
    this.#runner.writeWhole(titleLine(title));
  }

  endSection(name: string): void {
    this.#flushOutput();
    if (this.#options.sections) this.#runner.writeWhole(sectionEnd(name, unixSeconds()));
  }

  async finish(state: FinalState, options: { signal: AbortSignal }): Promise<Delivery> {
    clearTimeout(this.#longJob);
    this.#flushOutput();
    this.#spool.seal();
    await this.#spool.flush();
    this.#decide(state);
    const delivery = await this.#deliverOrKeep(state, options);
    await this.#spool[Symbol.asyncDispose]();
    return delivery;
  }

  /** What a crash after this point leaves behind is a result to deliver, not a job to fail. */
  #decide(state: FinalState): void {
    try {
      this.#options.record.decide(state);
    } catch (thrown) {
      this.#options.logger.error("A restart of the runner would lose a job's result", {
        error: messageOf(thrown),
      });
    }
  }

  /** What is taken at once need not be kept; the disk is asked only when it takes longer. */
  async #deliverOrKeep(
    state: FinalState,
    options: { signal: AbortSignal },
  ): Promise<Delivery> {
    let syncing: Promise<void> | undefined;
    const sync = () => syncing ??= this.#sync("job's result");
    const late = setTimeout(sync, TAKEN_AT_ONCE_MS);
    try {
      const delivery = await this.#deliver(state, options);
      if (delivery.kind === "kept") await sync();
      return delivery;
    } finally {
      clearTimeout(late);
    }
  }

  async #sync(what: string): Promise<void> {
    const { record, logger } = this.#options;
    try {
      await record.sync();
    } catch (thrown) {
      // One that has been delivered meanwhile is gone, and needs it no more.
      if (codeOf(thrown) === "ENOENT") return;
      logger.error(`A loss of power would lose a ${what}`, { error: messageOf(thrown) });
    }
  }

  async #deliver(state: FinalState, options: { signal: AbortSignal }): Promise<Delivery> {
    const { clock } = this.#options;
    try {
      await this.#uploader.stop(options);
      return await deliver(this.#link, state, { clock, signal: options.signal });
    } catch (thrown) {
      if (!options.signal.aborted) throw thrown;
      return { kind: "kept", why: messageOf(options.signal.reason) };
    }
  }

  #write(bytes: Uint8Array, stream: OutputStream): Promise<void> | undefined {
    if (this.#limit.isFull || this.#spool.failure !== undefined) return undefined;
    this.#output[stream].write(bytes);
    return this.#spool.backpressure();
  }

  /** A line of its own: it does not continue what the runner wrote before. */
  #say(line: string): void {
    this.#runner.flush();
    this.#runner.writeWhole(line);
  }

  /** The processes of a build stage have ended: nothing is to come that could decide a held match. */
  #flushOutput(): void {
    for (const stream of Object.values(this.#output)) stream.flush();
  }
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
