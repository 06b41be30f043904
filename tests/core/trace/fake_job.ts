/** Stand-ins for what surrounds a trace: a coordinator's job, a clock, a log, a directory. */

import { access } from "node:fs/promises";
import type { Clock } from "../../../core/coordinator/clock.ts";
import type {
  JobAnswer,
  JobHandle,
  JobUpdate,
  PatchOutcome,
  TraceChunk,
  UpdateOutcome,
} from "../../../core/coordinator/coordinator.ts";
import type { Logger } from "../../../core/log/logger.ts";
import type { JobFacts } from "../../../core/trace/record.ts";
import { Secret } from "../../../core/util/secret.ts";

export const QUIET_ANSWER: JobAnswer = { cancelRequested: false, updateIntervalMs: undefined };
export const UNREACHABLE = { ...QUIET_ANSWER, kind: "unreachable", message: "refused" } as const;
export const OVER = { ...QUIET_ANSWER, kind: "job-over", status: "canceled" } as const;

export function rejected(status: number) {
  return { ...QUIET_ANSWER, kind: "rejected", status, message: `status ${status}` } as const;
}

/** A job at a coordinator that stores the trace, unless an outcome was scripted for a call. */
export class FakeJob implements JobHandle {
  readonly id = 7;
  stored = Buffer.alloc(0);
  final: JobUpdate | undefined;
  readonly calls: (TraceChunk | JobUpdate)[] = [];
  concurrent = 0;
  mostConcurrent = 0;
  /** Asked first at each PATCH; undefined: store the bytes and answer honestly. */
  onPatch: (chunk: TraceChunk, nth: number) => PatchOutcome | undefined = () => undefined;
  /** Asked first at each PUT. */
  onUpdate: (update: JobUpdate, nth: number) => UpdateOutcome | undefined = () => undefined;
  answer: JobAnswer = QUIET_ANSWER;

  get patches(): TraceChunk[] {
    return this.calls.filter((call) => "offset" in call);
  }

  get updates(): JobUpdate[] {
    return this.calls.filter((call) => "state" in call);
  }

  get text(): string {
    return this.stored.toString("latin1");
  }

  patchTrace(chunk: TraceChunk, options: { signal: AbortSignal }): Promise<PatchOutcome> {
    options.signal.throwIfAborted();
    const copy = { ...chunk, bytes: new Uint8Array(chunk.bytes) };
    this.calls.push(copy);
    return this.#later(() => this.onPatch(copy, this.patches.length) ?? this.store(copy));
  }

  updateJob(update: JobUpdate, options: { signal: AbortSignal }): Promise<UpdateOutcome> {
    options.signal.throwIfAborted();
    this.calls.push(update);
    return this.#later(() => {
      const scripted = this.onUpdate(update, this.updates.length);
      if (scripted === undefined && update.state !== "running") this.final = update;
      return scripted ?? { ...this.answer, kind: "accepted" };
    });
  }

  /** What GitLab does with a chunk. */
  store(chunk: TraceChunk): PatchOutcome {
    if (chunk.offset !== this.stored.length) {
      return { ...this.answer, kind: "range-mismatch", size: this.stored.length };
    }
    this.stored = Buffer.concat([this.stored, chunk.bytes]);
    return { ...this.answer, kind: "accepted", stored: this.stored.length };
  }

  async #later<T>(outcome: () => T): Promise<T> {
    this.mostConcurrent = Math.max(this.mostConcurrent, ++this.concurrent);
    await Promise.resolve();
    this.concurrent--;
    return outcome();
  }
}

/** Time stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = 1_800_000_000_000;
  readonly #sleepers = new Set<{ until: number; wake: () => void }>();

  now = (): number => this.#now;
  random = (): number => 0.5;

  async delay(ms: number, options: { signal: AbortSignal }): Promise<void> {
    options.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { until: this.#now + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    options.signal.addEventListener("abort", () => reject(options.signal.reason), { once: true });
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
    }
  }

  /** Lets `ms` go by, and what is due then happen. */
  async advance(ms: number): Promise<void> {
    await idle();
    this.#now += ms;
    for (const sleeper of this.#sleepers) if (sleeper.until <= this.#now) sleeper.wake();
    await idle();
  }
}

/** Time jumps ahead whenever somebody waits. */
export class HastyClock implements Clock {
  #now = 1_800_000_000_000;
  readonly waits: number[] = [];

  now = (): number => this.#now;
  random = (): number => 0.5;

  async delay(ms: number, options: { signal: AbortSignal }): Promise<void> {
    options.signal.throwIfAborted();
    this.waits.push(ms);
    this.#now += ms;
    await idle();
    options.signal.throwIfAborted();
  }
}

/**
 * Settles after a few real turns of the event loop, in which small file operations complete: each
 * turn waits for one of its own, which takes as long as others on a busy machine.
 */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    await access(".");
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

export class MemoryLog implements Logger {
  readonly lines: string[] = [];
  debug = (message: string): void => void this.lines.push(`debug ${message}`);
  info = (message: string): void => void this.lines.push(`info ${message}`);
  warning = (message: string): void => void this.lines.push(`warning ${message}`);
  error = (message: string): void => void this.lines.push(`error ${message}`);
  fatal = (message: string): void => void this.lines.push(`fatal ${message}`);
  with = (): Logger => this;
}

export const FACTS: JobFacts = {
  coordinatorUrl: "https://gitlab.example.com/",
  jobId: 7,
  jobToken: new Secret("64_job-token"),
  runner: "abcdefghi",
  runnerName: "a runner",
  systemId: "s_0123456789ab",
  tls: { caFile: "/etc/ca.crt" },
  acceptedFailureReasons: ["runner_interrupted"],
  debugTrace: false,
  timestamps: false,
  executor: "shell",
};

export const NEVER: AbortSignal = new AbortController().signal;
