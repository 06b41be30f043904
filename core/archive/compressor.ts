/** Runs compression tasks on several cores, or inline where no worker can start. */

import { availableParallelism } from "node:os";
import { ArchiveError } from "./entry.ts";
import { type CompressResult, type CompressTask, runCompressTask } from "./compress_task.ts";
import type { WorkerAnswer } from "./deflate_worker.ts";

/** Takes tasks; `width` is how many it works on at a time. Disposing ends its workers. */
export interface Compressor extends Disposable {
  readonly width: number;
  run(task: CompressTask): Promise<CompressResult>;
}

/** More workers than this only wait for the writer. */
const MAX_WORKERS = 4;

/** Works in this thread: for little work, where starting workers (about 20 ms) costs more. */
export function inlineCompressor(): Compressor {
  return {
    width: 1,
    run: (task) => Promise.try(runCompressTask, task),
    [Symbol.dispose]() {},
  };
}

/** Starts one worker per core; falls back to inline work when none can be started. */
export async function startCompressor(): Promise<Compressor> {
  const count = Math.min(MAX_WORKERS, availableParallelism());
  if (count < 2) return inlineCompressor();
  const started = await Promise.all(Array.from({ length: count }, startWorker));
  const workers = started.filter((worker) => worker !== undefined);
  return workers.length === 0 ? inlineCompressor() : new WorkerPool(workers);
}

function startWorker(): Promise<Worker | undefined> {
  const { promise, resolve } = Promise.withResolvers<Worker | undefined>();
  try {
    const worker = new Worker(new URL("./deflate_worker.ts", import.meta.url));
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
  readonly task: CompressTask;
  resolve(result: CompressResult): void;
  reject(error: Error): void;
}

class WorkerPool implements Compressor {
  readonly width: number;
  readonly #workers: readonly Worker[];
  readonly #idle: Worker[];
  readonly #waiting: Pending[] = [];

  constructor(workers: readonly Worker[]) {
    this.#workers = workers;
    this.#idle = [...workers];
    this.width = workers.length;
  }

  run(task: CompressTask): Promise<CompressResult> {
    const { promise, resolve, reject } = Promise.withResolvers<CompressResult>();
    this.#waiting.push({ task, resolve, reject });
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
      pending.reject(new ArchiveError(`Compression worker failed: ${event.message}`));
    };
    worker.postMessage(pending.task);
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
  }
}
