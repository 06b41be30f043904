/** One compiled runner against one embedded coordinator, for a fault to come between them. */

import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  type CoordinatorOptions,
  EmbeddedCoordinator,
  type EmbeddedJob,
  type EmbeddedRunner,
  type RecordedRequest,
} from "../../core/embedded/mod.ts";
import { Semaphore } from "../../core/util/semaphore.ts";
import { eventually, RunnerProcess } from "../e2e/runner_process.ts";

export { eventually };

/** `check_interval` of every bench. */
export const CHECK_INTERVAL_MS = 1000;

export const JOB_REQUEST = "^/api/v4/jobs/request$";
export const TRACE = "/trace$";

/**
 * Runners that start at the same moment keep each other's first requests from being seen in time, and
 * the second ones then seem to come early. So benches open one after another.
 */
const startUps = new Semaphore(1);
const LONGEST_START_UP_MS = 1000;

export interface BenchOptions {
  readonly coordinator?: CoordinatorOptions;
  /** TOML lines of the `[[runners]]` entry. */
  readonly entry?: readonly string[];
  /** TOML lines in front of the entries. */
  readonly globals?: readonly string[];
  readonly env?: Record<string, string>;
  /** More entries for the same coordinator; names begin at `runner-1`. */
  readonly moreEntries?: number;
  /** As the checks are to judge it; must match `entry`. */
  readonly requestConcurrency?: number;
}

export class Bench implements AsyncDisposable {
  readonly coordinator: EmbeddedCoordinator;
  /** Those of the configuration, in its order; the first is the one that most faults meet. */
  readonly runners: readonly EmbeddedRunner[];
  readonly process: RunnerProcess;

  /** Nothing is asked for before `start`, so that faults and jobs can be set up. */
  static async open(options: BenchOptions = {}): Promise<Bench> {
    const turn = await startUps.acquire();
    const coordinator = await EmbeddedCoordinator.start({
      longPollHandsOut: true,
      ...options.coordinator,
      recorder: { detail: "bodies", ...options.coordinator?.recorder },
    });
    const asked = () => coordinator.requests().length > 0;
    void eventually(asked, "the first request", LONGEST_START_UP_MS).catch(() => {})
      .finally(() => turn[Symbol.dispose]());
    return new Bench(coordinator, options);
  }

  private constructor(coordinator: EmbeddedCoordinator, options: BenchOptions) {
    this.coordinator = coordinator;
    const count = 1 + (options.moreEntries ?? 0);
    this.runners = Array.from({ length: count }, () =>
      coordinator.addRunner({
        checkIntervalMs: CHECK_INTERVAL_MS,
        requestConcurrency: options.requestConcurrency ?? 1,
      }));
    this.process = new RunnerProcess(options.env);
    this.process.configure(
      this.runners.map(({ token }) => ({
        url: coordinator.url,
        token,
        lines: options.entry ?? [],
      })),
      options.globals,
    );
  }

  start(): this {
    this.process.start();
    return this;
  }

  /** A file in the directory of this bench; safe in a shell command as it is. */
  path(name: string): string {
    return join(this.process.dir, name);
  }

  /** A script line that waits until the gate is opened. */
  gate(name: string): { readonly wait: string; open(): void } {
    const path = this.path(name);
    return {
      wait: `until [ -e ${path} ]; do sleep 0.05; done`,
      open: () => writeFileSync(path, ""),
    };
  }

  /** A script line that counts how often it was run. */
  counter(name: string): { readonly line: string; count(): number } {
    const path = this.path(name);
    return {
      line: `echo run >> ${path}`,
      count: () => existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0,
    };
  }

  /** The entry that faults meet. */
  get runner(): EmbeddedRunner {
    const [first] = this.runners;
    if (first === undefined) throw new Error("a bench has at least one runner");
    return first;
  }

  /** A job request of `runner`, by the token in its body. */
  jobRequests(runner: EmbeddedRunner = this.runner): RecordedRequest[] {
    return this.coordinator.requests(({ target, body }) =>
      target.endsWith("/jobs/request") && body?.includes(`"${runner.token}"`) === true
    );
  }

  updates(job: EmbeddedJob, state?: string): RecordedRequest[] {
    return this.coordinator.requests(({ method, jobId, body }) =>
      method === "PUT" && jobId === job.id &&
      (state === undefined || body?.includes(`"state":"${state}"`) === true)
    );
  }

  patches(job: EmbeddedJob): RecordedRequest[] {
    return this.coordinator.requests(({ method, jobId }) => method === "PATCH" && jobId === job.id);
  }

  /** The one job that shows that the runner is well: it runs now and succeeds. */
  async expectJobsFlow(): Promise<void> {
    const job = this.coordinator.enqueue({ script: "echo jobs flow" }, { runner: this.runner });
    await this.expectDelivered(job, { prints: ["jobs flow"] });
  }

  /**
   * The result is at the coordinator, its log has the bytes whose checksum the runner sent, and the
   * lines that the job printed are in it, in their order and only once.
   */
  async expectDelivered(
    job: EmbeddedJob,
    expected: {
      readonly state?: "success" | "failed" | "canceled";
      readonly failureReason?: string;
      readonly prints: readonly string[];
    },
  ): Promise<void> {
    const outcome = await job.finished;
    const { state = "success", failureReason } = expected;
    expect({ state: outcome.state, failureReason: outcome.failureReason })
      .toEqual({ state, failureReason });
    expect(outcome.checksum).toBe("match");
    const wanted = new Set(expected.prints);
    const printed = (await traceLines(job)).filter((line) => wanted.has(line));
    expect(printed).toEqual([...expected.prints]);
  }

  expectNoFindings(): void {
    expect(this.coordinator.findings()).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.coordinator[Symbol.asyncDispose]();
  }
}

/** Lines of the log as the coordinator has it, without time stamps and colours. */
export async function traceLines(job: EmbeddedJob): Promise<string[]> {
  const text = await job.trace.text();
  return text.split("\n").map((line) =>
    line.replace(/^\S+Z \d\d[OE][ +]/, "").replaceAll(ESCAPE_SEQUENCE, "").trimEnd()
  );
}

const ESCAPE_SEQUENCE = /\x1b\[[0-9;]*[A-Za-z]/g;

/** Lines `<word> 1` to `<word> n`, for scripts that print much. */
export function numbered(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${word} ${index + 1}`);
}

/** Whole milliseconds between requests that followed each other. */
export function gapsMs(requests: readonly RecordedRequest[]): number[] {
  return requests.slice(1).map((request, index) =>
    Math.round(request.at - (requests[index]?.at ?? 0))
  );
}
