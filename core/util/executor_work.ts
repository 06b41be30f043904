/** What an executor is at: one piece of work at a time, ended when the executor is disposed of. */

import { messageOf, SystemFailure } from "../errors.ts";
import { link } from "./abort.ts";
import { ExecutorDisposed } from "./grace.ts";

export class ExecutorWork {
  readonly #disposal = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  /** Settles when the last piece has. Never rejects. */
  get settled(): Promise<unknown> {
    return this.#running;
  }

  /**
   * Runs `work` with a signal that aborts as `outer` does, or with the disposal. An error after an
   * abort is the abort: its reason is thrown. Any other goes through `explain`.
   */
  async do<T>(
    outer: AbortSignal,
    work: (signal: AbortSignal, abort: (why: unknown) => void) => Promise<T>,
    explain: (error: unknown) => unknown,
  ): Promise<T> {
    const stop = new AbortController();
    const unlink = [outer, this.#disposal.signal].map((each) => link(each, stop));
    const running = work(stop.signal, (why) => stop.abort(why));
    this.#running = running.catch(() => {});
    try {
      return await running;
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : explain(error);
    } finally {
      for (const each of unlink) each();
    }
  }

  /** Ends what runs, and whatever is begun later. */
  dispose(): void {
    this.#disposal.abort(new ExecutorDisposed());
  }
}

/** For {@link ExecutorWork.do}: a stage that could not be run is a fault of the infrastructure. */
export function cannotRun(stage: string): (error: unknown) => SystemFailure {
  return (error) =>
    error instanceof SystemFailure
      ? error
      : new SystemFailure(`Cannot run ${stage}: ${messageOf(error)}`, { cause: error });
}
