/** One attempt of a job: offers it to the engine, and tells what its trace shows. */

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { JobResponse } from "../job/response.ts";
import type { FinalState } from "../job/result.ts";
import type { FailedJob } from "../run/failed_job.ts";
import type { EndStatus } from "../pipeline/job_outcome.ts";
import type { PipelineJob } from "../pipeline/pipeline.ts";
import { CacheLog } from "./cache_log.ts";
import { coverageOf } from "./coverage.ts";
import type { EventStream } from "./event_stream.ts";
import type { JobBoard } from "./job_board.ts";
import type { ScriptPart } from "./events.ts";
import type { FailureShell } from "./failure_shell.ts";
import { keepDirectory } from "./kept_directories.ts";
import { knownCommands } from "./known_commands.ts";
import { logFileName } from "./run_files.ts";
import { LocalJob } from "./local_job.ts";
import { TraceParser, type TracePiece } from "./trace_parser.ts";

export interface AttemptOptions {
  readonly job: PipelineJob;
  /** From 1. */
  readonly attempt: number;
  /** Names of the trigger jobs above the job's pipeline. */
  readonly pipeline: readonly string[];
  readonly executor: string;
  readonly response: JobResponse;
  /** Where the job's log is kept. */
  readonly logDirectory: string;
  /** The archive of a cache key; undefined where this machine's files are not the job's. */
  readonly cacheArchive: (key: string) => string | undefined;
  /**
   * Where to keep the build directory when a job on this host fails. Undefined: neither that nor a
   * container is kept.
   */
  readonly kept: string | undefined;
  /** To be opened when the job fails. */
  readonly shell: FailureShell | undefined;
  readonly board: JobBoard;
  /** Ends a job that somebody has taken. */
  readonly cancelJob: (id: number) => void;
  readonly events: EventStream;
}

/** How an attempt ended. */
export interface AttemptReport {
  readonly status: EndStatus;
  readonly exitCode: number | undefined;
  readonly failureReason: string | undefined;
  /** The part of the script that failed. */
  readonly failedPart: "before_script" | "script" | undefined;
  readonly afterScriptExitCode: number | undefined;
  readonly coverage: number | undefined;
  readonly durationMs: number;
  /** Of the job's environment, with all variables put in. */
  readonly environmentUrl?: string | undefined;
}

const AFTER_SCRIPT_FAILED =
  /^WARNING: after_script failed, but job will continue unaffected: exit (?:status|code) (\d+)/;

/** Of an attempt that ran no script: a trigger, or a job that never came to the engine. */
export function reportWithoutScript(status: EndStatus, durationMs: number): AttemptReport {
  return {
    status,
    exitCode: undefined,
    failureReason: undefined,
    failedPart: undefined,
    afterScriptExitCode: undefined,
    coverage: undefined,
    durationMs: Math.round(durationMs),
  };
}

/** Resolves when the job has ended, which it does soon when `signal` aborts: it is canceled then. */
export async function runAttempt(
  options: AttemptOptions,
  { signal }: { signal: AbortSignal },
): Promise<AttemptReport> {
  using log = new AttemptLog(options);
  const { board, executor, response } = options;
  const job = new LocalJob({
    response,
    executor,
    onStart: () => log.start(),
    onTrace: (bytes) => log.write(bytes),
    onFailed: async (failed) => {
      if (!signal.aborted) await log.openShell(failed, signal);
      if (!signal.aborted) log.keep(failed);
    },
  });
  const canceled = Promise.withResolvers<undefined>();
  const stop = () => {
    if (board.withdraw(job)) return canceled.resolve(undefined);
    // One that the engine has only just taken hears of it when it begins.
    job.cancel();
    options.cancelJob(job.id);
  };
  board.offer(job);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    const final = await Promise.race([job.finished, canceled.promise]);
    return log.report(final, signal.aborted);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What is seen of the job on its way: events, its log file, the facts of its end. */
class AttemptLog implements Disposable {
  readonly #options: AttemptOptions;
  readonly #parser: TraceParser;
  /** Of the log, and of what is kept. */
  readonly #name: string;
  readonly #file: number;
  #startedAt = performance.now();
  #script: ScriptPart | undefined;
  /** The last one that was not of `after_script`. */
  #command: string | undefined;
  #afterScript: number | undefined;
  readonly #caches: CacheLog;

  constructor(options: AttemptOptions) {
    const { job, attempt, pipeline, response, logDirectory } = options;
    this.#options = options;
    this.#caches = new CacheLog(options.cacheArchive);
    this.#parser = new TraceParser(
      knownCommands(job.config, response),
      (piece) => this.#take(piece),
    );
    this.#name = `${response.id}-${logFileName([...pipeline, job.name], attempt)}`;
    this.#file = openSync(join(logDirectory, this.#name), "w", 0o600);
  }

  start(): void {
    const { attempt, executor, response, events } = this.#options;
    this.#startedAt = performance.now();
    events.emit({
      type: "job.started",
      ...this.#job,
      attempt,
      executor,
      image: response.image?.name ?? null,
    });
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    this.#parser.write(bytes);
  }

  async openShell(failed: FailedJob, signal: AbortSignal): Promise<void> {
    const { shell, job } = this.#options;
    await shell?.open(failed, { job: job.name, command: this.#command }, { signal });
  }

  /** Does what `--keep` asks for. */
  keep(failed: FailedJob): void {
    const { kept, events } = this.#options;
    if (kept === undefined) return;
    const path = failed.keep === undefined
      ? this.#keepDirectory(failed, kept)
      : failed.paths.projectDir;
    const { container, enter, remove } = failed.keep?.() ??
      { container: null, enter: null, remove: null };
    if (path !== undefined) {
      events.emit({ type: "job.kept", ...this.#job, path, container, enter, remove });
    }
  }

  #keepDirectory({ paths }: FailedJob, kept: string): string | undefined {
    return keepDirectory(paths.projectDir, { kept, name: this.#name.replace(/\.log$/, "") });
  }

  /** `final` is undefined when nobody has taken the job. */
  report(final: FinalState | undefined, interrupted: boolean): AttemptReport {
    this.#parser.end();
    const failed = final === undefined || final.state === "failed";
    const status = !failed ? "success" : interrupted ? "canceled" : "failed";
    const script = this.#script;
    const isScript = final?.failureReason === "script_failure" ||
      final?.failureReason === "job_execution_timeout";
    const failedPart = failed && isScript && (script === "before_script" || script === "script")
      ? script
      : undefined;
    return {
      status,
      exitCode: final?.exitCode ?? (failed ? undefined : 0),
      failureReason: final?.failureReason,
      failedPart,
      afterScriptExitCode: this.#afterScript,
      coverage: this.#coverage(),
      durationMs: Math.round(performance.now() - this.#startedAt),
    };
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  get #job() {
    const { job, pipeline } = this.#options;
    return { job: job.name, stage: job.stage, pipeline: [...pipeline] };
  }

  #take(piece: TracePiece): void {
    const { events } = this.#options;
    switch (piece.kind) {
      case "section":
        if (piece.name === "after_script" && piece.state === "end") this.#afterScript ??= 0;
        events.emit({ type: "job.section", ...this.#job, name: piece.name, state: piece.state });
        return;
      case "command":
        if (piece.script !== "after_script") this.#command = piece.text;
        if (piece.script !== "after_script" && piece.script !== "hook") this.#script = piece.script;
        events.emit({ type: "job.command", ...this.#job, text: piece.text, script: piece.script });
        return;
      case "output": {
        const { text, source, partial } = piece;
        if (source === "runner") {
          this.#noteAfterScript(text);
          const cache = this.#caches.take(text);
          if (cache !== undefined) events.emit({ ...cache, ...this.#job });
        }
        events.emit({ type: "job.output", ...this.#job, text, source, stream: null, partial });
      }
    }
  }

  #coverage(): number | undefined {
    const { job, logDirectory } = this.#options;
    const { coverage } = job.config;
    return coverage === undefined
      ? undefined
      : coverageOf(join(logDirectory, this.#name), coverage);
  }

  #noteAfterScript(text: string): void {
    const code = AFTER_SCRIPT_FAILED.exec(text)?.[1];
    if (code !== undefined) this.#afterScript = Number(code);
  }
}
