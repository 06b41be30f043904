/** Runs the tasks of archives on several cores, or inline where no worker can start. */

import { availableParallelism } from "node:os";
import { type ArchiveTask, type ResultOf, runArchiveTask } from "./archive_task.ts";
import type { WorkerAnswer } from "./archive_worker.ts";
import { ArchiveError } from "./entry.ts";

/** Take tasks; `width` is how many they work on at a time. Disposing ends them. */
export interface Workers extends Disposable {
  readonly width: number;
  /** Rejects with an ArchiveError when the task cannot be done. */
  run<Task extends ArchiveTask>(task: Task): Promise<ResultOf<Task>>;
}

/** More workers than this only wait for the writer. */
const MAX_WORKERS = 4;

/** Works in this thread: for little work, where starting workers (about 20 ms) costs more. */
export function inlineWorkers(): Workers {
  return {
    width: 1,
    run: <Task extends ArchiveTask>(task: Task) =>
      Promise.try(() => runArchiveTask(task) as ResultOf<Task>),
    [Symbol.dispose]() {},
  };
}

/** Starts one worker per core; falls back to inline work when none can be started. */
export async function startWorkers(): Promise<Workers> {
  const count = Math.min(MAX_WORKERS, availableParallelism());
  if (count < 2) return inlineWorkers();
  const started = await Promise.all(Array.from({ length: count }, startWorker));
  const workers = started.filter((worker) => worker !== undefined);
  return workers.length === 0 ? inlineWorkers() : new WorkerPool(workers);
}

function startWorker(): Promise<Worker | undefined> {
  const { promise, resolve } = Promise.withResolvers<Worker | undefined>();
  try {
    const worker = new Worker(new URL("./archive_worker.ts", import.meta.url));
    worker.onmessage = () => resolve(worker);
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      resolve(undefined);
    };
  } catch {
    // A build without the worker's entry point, or no threads left: the caller works inline.
    resolve(undefined);
  }
  return promise;
}

interface Pending {
  readonly task: ArchiveTask;
  resolve(result: ReturnType<typeof runArchiveTask>): void;
  reject(error: Error): void;
}

class WorkerPool implements Workers {
  readonly width: number;
  readonly #workers: Set<Worker>;
  readonly #idle: Worker[];
  readonly #waiting: Pending[] = [];

  constructor(workers: readonly Worker[]) {
    this.#workers = new Set(workers);
    this.#idle = [...workers];
    this.width = workers.length;
  }

  run<Task extends ArchiveTask>(task: Task): Promise<ResultOf<Task>> {
    const { promise, resolve, reject } = Promise.withResolvers<ResultOf<Task>>();
    this.#waiting.push({ task, resolve: (result) => resolve(result as ResultOf<Task>), reject });
    this.#dispatch();
    return promise;
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      this.#start(this.#idle.pop()!, this.#waiting.shift()!);
    }
  }

  #start(worker: Worker, pending: Pending): void {
    worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
      this.#idle.push(worker);
      if (data.kind === "done") pending.resolve(data.result);
      else pending.reject(new ArchiveError(data.kind === "failed" ? data.message : data.kind));
      this.#dispatch();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const error = new ArchiveError(`Worker failed: ${event.message}`);
      pending.reject(error);
      this.#workers.delete(worker);
      worker.terminate();
      if (this.#workers.size > 0) return;
      for (const each of this.#waiting.splice(0)) each.reject(error);
    };
    worker.postMessage(pending.task);
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
  }
}
