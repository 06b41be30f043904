/** From signals to an end: graceful, then forced, then at once. */

import { messageOf } from "../errors.ts";
import type { ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import type { ProcessState } from "../metrics/snapshot.ts";
import type { Registry } from "../registry.ts";

export type ProcessSignal = "SIGQUIT" | "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGUSR1" | "SIGWINCH";

/** Source of the process's signals; `on` returns what stops listening. */
export interface ProcessSignals {
  on(signal: ProcessSignal, listener: () => void): () => void;
}

/** What has to come to an end. */
export interface Stoppable {
  readonly runningJobs: number;
  drain(): Promise<void>;
  abortJobs(signal: "terminated" | "interrupt"): void;
  close(): void;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  readonly engine: Stoppable;
  readonly executors: Registry<ExecutorProvider>;
  /** `shutdown_timeout`: what a forced end may take. Asked when it begins. */
  readonly timeoutSeconds: () => number;
  /** Called with the process's exit code; more than once when time runs out. */
  readonly onEnd: (code: number) => void;
}

/** Signals of one Ctrl-C reach a process more than once within a moment; they are one demand. */
const SAME_DEMAND_MS = 100;

/** Listens until disposed; `state` says which demand is in force. */
export class Shutdown implements Disposable {
  readonly #options: ShutdownOptions;
  readonly #stopListening: readonly (() => void)[];
  #state: ProcessState = "in_service";
  #forcedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signals: ProcessSignals, options: ShutdownOptions) {
    this.#options = options;
    this.#stopListening = [
      signals.on("SIGQUIT", () => this.graceful("Stopping: the running jobs may end")),
      signals.on("SIGTERM", () => this.#forced("terminated")),
      signals.on("SIGINT", () => this.#forced("interrupt")),
    ];
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Takes no more jobs and ends when those that run have ended. Only the first call counts. */
  graceful(why: string): void {
    if (this.#state !== "in_service") return;
    this.#state = "graceful shutdown";
    this.#options.logger.warning(why, { jobs: this.#options.engine.runningJobs });
    void this.#end();
  }

  #forced(signal: "terminated" | "interrupt"): void {
    const { logger, engine, timeoutSeconds, onEnd } = this.#options;
    const now = performance.now();
    if (this.#state === "forceful shutdown") {
      if (now - this.#forcedAt > SAME_DEMAND_MS) onEnd(1);
      return;
    }
    const draining = this.#state === "graceful shutdown";
    this.#forcedAt = now;
    this.#state = "forceful shutdown";
    logger.warning("Stopping now: the running jobs are ended", { jobs: engine.runningJobs });
    engine.abortJobs(signal);
    if (!draining) void this.#end();
    const shutdownTimeout = timeoutSeconds();
    this.#timer = setTimeout(() => {
      logger.error("The jobs did not end in time; they are told of at the next start", {
        shutdown_timeout: shutdownTimeout,
        jobs: engine.runningJobs,
      });
      engine.close();
      onEnd(1);
    }, shutdownTimeout * 1000);
  }

  async #end(): Promise<void> {
    const { logger, engine, executors, onEnd } = this.#options;
    await engine.drain();
    engine.close();
    logger.info("All workers stopped.");
    for (const executor of executors.all) {
      try {
        await executor[Symbol.asyncDispose]();
      } catch (error) {
        logger.error("Cannot shut down an executor provider", {
          executor: executor.name,
          error: messageOf(error),
        });
      }
    }
    logger.info("All executor providers shut down.");
    logger.info("Can exit now!");
    onEnd(0);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const stop of this.#stopListening) stop();
  }
}
