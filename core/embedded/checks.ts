/** Always-on checks: what a correct runner never does, collected as findings per runner. */

import { type Call, epochMs } from "./call.ts";
import type { EmbeddedJob } from "./jobs.ts";
import type { EmbeddedRunner, RunnerManager } from "./runners.ts";

export type Rule =
  | "token-in-header-and-body"
  | "request-id"
  | "trace-checksum"
  | "one-final-update"
  | "call-after-final-answer"
  | "patch-size"
  | "parallel-patches"
  | "request-pace"
  | "open-polls"
  | "token-to-storage";

export interface Finding {
  readonly rule: Rule;
  /** The runner's id; undefined when the call names no runner we know. */
  readonly runner: number | undefined;
  readonly job: number | undefined;
  /** Of the first occurrence. */
  readonly message: string;
  readonly at: number;
  count: number;
}

/** Largest log chunk a runner sends (protocol section 7.2). */
const PATCH_LIMIT_BYTES = 1024 * 1024;
/** HTTP-level attempts of one logical call (section 2). */
const MOST_ATTEMPTS = 5;
/** Request ids remembered; older ones are not looked for any more. */
const REMEMBERED_IDS = 10_000;
/** Timers of the other side may be this much early. */
const PACE_TOLERANCE = 0.8;

interface LogicalCall {
  readonly what: string;
  attempts: number;
  /** Status of the last attempt; undefined while open, or when its answer was lost. */
  status: number | undefined;
}

export class Checks {
  readonly #findings = new Map<string, Finding>();
  readonly #calls = new Map<string, LogicalCall>();
  readonly #finalAnswers = new Map<EmbeddedJob, string>();
  readonly #openPatches = new Set<EmbeddedJob>();

  findings(runner?: EmbeddedRunner): Finding[] {
    const all = [...this.#findings.values()];
    return runner === undefined ? all : all.filter((finding) => finding.runner === runner.id);
  }

  clear(): void {
    this.#findings.clear();
  }

  /** Every call to the API: one request id per logical call, kept over its retries. */
  requestId(call: Call, from: { runner?: EmbeddedRunner; job?: EmbeddedJob }): void {
    const id = call.header("x-request-id");
    const what = `${call.method} ${call.path} ${call.header("content-range") ?? ""}`;
    if (id === undefined || !/^[0-9a-f]{32}$/.test(id)) {
      return this.#report("request-id", from, `${what}: X-Request-Id is ${JSON.stringify(id)}`);
    }
    const before = this.#calls.get(id);
    if (before === undefined) return this.#remember(id, { what, attempts: 1, status: undefined });
    before.attempts++;
    if (before.what !== what) {
      this.#report("request-id", from, `${what} has the X-Request-Id of ${before.what}`);
    } else if (before.attempts > MOST_ATTEMPTS) {
      this.#report("request-id", from, `${what} was tried ${before.attempts} times`);
    } else if (before.status !== undefined && !mayBeRepeated(before.status)) {
      this.#report("request-id", from, `${what} repeated after ${before.status}`);
    }
    before.status = undefined;
  }

  answered(call: Call, status: number): void {
    const known = this.#calls.get(call.header("x-request-id") ?? "");
    if (known !== undefined) known.status = status;
  }

  /** The token travels in this header and in the body, and is the same. */
  tokens(
    call: Call,
    header: "Runner-Token" | "Job-Token",
    bodyToken: unknown,
    from: { runner?: EmbeddedRunner; job?: EmbeddedJob },
  ): void {
    const inHeader = call.header(header);
    const what = `${call.method} ${call.path}`;
    if (inHeader === undefined) {
      this.#report("token-in-header-and-body", from, `${what}: no ${header} header`);
    } else if (bodyToken === undefined) {
      this.#report("token-in-header-and-body", from, `${what}: no token in the body`);
    } else if (inHeader !== bodyToken) {
      this.#report("token-in-header-and-body", from, `${what}: ${header} and body differ`);
    }
  }

  /** Token reset carries the token in the body only. */
  noTokenHeader(call: Call, runner: EmbeddedRunner | undefined): void {
    if (call.header("Runner-Token") === undefined) return;
    const from = runner === undefined ? {} : { runner };
    this.#report("token-in-header-and-body", from, `${call.path}: Runner-Token header is set`);
  }

  /** Calls at the start of a job request; the result is to be called at its end. */
  jobRequest(call: Call, runner: EmbeddedRunner, manager: RunnerManager): () => void {
    const since = manager.emptySince === undefined ? Infinity : call.startedAt - manager.emptySince;
    if (since < runner.checkIntervalMs * PACE_TOLERANCE) {
      const message = `asked again ${Math.round(since)} ms after a request that brought no job; ` +
        `check_interval is taken to be ${runner.checkIntervalMs} ms`;
      this.#report("request-pace", { runner }, message);
    }
    manager.openPolls++;
    if (manager.openPolls > runner.requestConcurrency) {
      const message =
        `${manager.openPolls} open job requests, ${runner.requestConcurrency} allowed`;
      this.#report("open-polls", { runner }, message);
    }
    return () => {
      manager.openPolls--;
    };
  }

  patch(job: EmbeddedJob, bytes: Uint8Array, contentRange: string): void {
    if (bytes.length === 0) this.#report("patch-size", { job }, "empty patch");
    if (bytes.length > PATCH_LIMIT_BYTES) {
      this.#report("patch-size", { job }, `patch of ${bytes.length} bytes`);
    }
    const [first, last] = contentRange.split("-").map(Number);
    if (first === undefined || last === undefined || last - first + 1 !== bytes.length) {
      const message = `Content-Range "${contentRange}" with ${bytes.length} bytes`;
      this.#report("patch-size", { job }, message);
    }
  }

  /** Calls when a patch has come in; the result is to be called when it has been answered. */
  patchOpened(job: EmbeddedJob): () => void {
    if (this.#openPatches.has(job)) {
      this.#report("parallel-patches", { job }, "two patches of one job at the same time");
    }
    this.#openPatches.add(job);
    return () => this.#openPatches.delete(job);
  }

  finalUpdate(job: EmbeddedJob, output: { checksum: unknown; bytesize: unknown }): void {
    const { checksum, size } = job.trace;
    if (output.checksum === undefined && size > 0) {
      this.#report("trace-checksum", { job }, "final update without a checksum");
    } else if (output.checksum !== undefined && output.checksum !== checksum) {
      this.#report(
        "trace-checksum",
        { job },
        `runner says ${output.checksum}, log has ${checksum}`,
      );
    }
    if (output.bytesize !== undefined && output.bytesize !== size) {
      this.#report(
        "trace-checksum",
        { job },
        `runner says ${output.bytesize} bytes, log has ${size}`,
      );
    }
  }

  /** The runner has been told that its final update was stored. */
  finalAnswer(job: EmbeddedJob, state: string): void {
    this.#finalAnswers.set(job, state);
  }

  /** Any call with the job's token; `finalState` when it is a final update. */
  jobCall(call: Call, job: EmbeddedJob, finalState?: string): void {
    const told = this.#finalAnswers.get(job);
    // A server of 2019 gives a job the tokens of those it depends on, to fetch their artifacts by.
    if (told === undefined || call.method === "GET") return;
    if (finalState === undefined) {
      this.#report("call-after-final-answer", { job }, `${call.method} ${call.path}`);
    } else {
      this.#report("one-final-update", { job }, `${finalState} after ${told} had been stored`);
    }
  }

  /** Object storage was reached with a token of ours. */
  storage(call: Call, job: EmbeddedJob): void {
    if (call.header("Job-Token") === undefined) return;
    this.#report("token-to-storage", { job }, "Job-Token was sent to another host");
  }

  #remember(id: string, call: LogicalCall): void {
    this.#calls.set(id, call);
    if (this.#calls.size <= REMEMBERED_IDS) return;
    const oldest = this.#calls.keys().next().value;
    if (oldest !== undefined) this.#calls.delete(oldest);
  }

  #report(
    rule: Rule,
    from: { runner?: EmbeddedRunner; job?: EmbeddedJob },
    message: string,
  ): void {
    const runner = from.runner?.id ?? from.job?.runner?.id;
    const key = `${rule} ${runner} ${from.job?.id}`;
    const known = this.#findings.get(key);
    if (known !== undefined) known.count++;
    else {
      const job = from.job?.id;
      this.#findings.set(key, { rule, runner, job, message, at: epochMs(), count: 1 });
    }
  }
}

/** What the HTTP layer of a runner tries again, and redirects, which keep the id. */
function mayBeRepeated(status: number): boolean {
  return status === 408 || status === 429 || status >= 500 || (status >= 300 && status < 400);
}
