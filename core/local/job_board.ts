/** Where jobs that may run wait for a runner entry, and the coordinator that hands them out. */

import type {
  Coordinator,
  JobHandle,
  JobRequestOptions,
  JobRequestOutcome,
  RegistrationOutcome,
} from "../coordinator/coordinator.ts";
import type { LocalJob } from "./local_job.ts";

type Take = (job: LocalJob) => void;

export class JobBoard {
  readonly #jobs = new Map<number, LocalJob>();
  readonly #offered = new Map<string, LocalJob[]>();
  readonly #waiting = new Map<string, Set<Take>>();

  /** Hands the job to the entry of its executor: now, or as soon as that one asks. */
  offer(job: LocalJob): void {
    this.#jobs.set(job.id, job);
    const waiting = this.#waiting.get(job.executor);
    const [take] = waiting ?? [];
    if (waiting !== undefined && take !== undefined) {
      waiting.delete(take);
      take(job);
    } else listIn(this.#offered, job.executor).push(job);
  }

  /** Takes back a job that nobody has taken yet. */
  withdraw(job: LocalJob): boolean {
    const offered = listIn(this.#offered, job.executor);
    const at = offered.indexOf(job);
    if (at >= 0) offered.splice(at, 1);
    return at >= 0;
  }

  find(id: number): LocalJob | undefined {
    return this.#jobs.get(id);
  }

  /** The next job for this executor, whenever it comes; rejects when `signal` aborts. */
  async take(executor: string, signal: AbortSignal): Promise<LocalJob> {
    signal.throwIfAborted();
    const offered = listIn(this.#offered, executor).shift();
    if (offered !== undefined) return offered;
    const { promise, resolve, reject } = Promise.withResolvers<LocalJob>();
    const waiting = this.#waiting.get(executor) ?? new Set();
    this.#waiting.set(executor, waiting.add(resolve));
    const stop = () => {
      waiting.delete(resolve);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

function listIn(lists: Map<string, LocalJob[]>, key: string): LocalJob[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** What no local pipeline is asked for. */
const NOT_HERE = {
  kind: "rejected",
  status: 404,
  message: "a local pipeline has no runners to manage",
} as const;

/** What is said of a job of an earlier run: nobody waits for it any more. */
const FORGOTTEN = {
  kind: "job-over",
  status: "canceled",
  cancelRequested: false,
  updateIntervalMs: undefined,
} as const;

/** The board as the runner entry of one executor sees it: a GitLab that always has the next job. */
export function boardCoordinator(board: JobBoard, executor: string): Coordinator {
  return {
    requestJob: async (_request, { signal }: JobRequestOptions): Promise<JobRequestOutcome> => {
      const { response } = await board.take(executor, signal);
      return { kind: "job", job: response, tls: {}, correlationId: crypto.randomUUID() };
    },
    job: ({ id, token }): JobHandle => {
      const found = board.find(id);
      // Jobs of each run are numbered from 1.
      const job = found?.response.token === token ? found : undefined;
      return {
        id,
        patchTrace: (chunk) => Promise.resolve(job?.patch(chunk) ?? FORGOTTEN),
        updateJob: (update) => Promise.resolve(job?.update(update) ?? FORGOTTEN),
      };
    },
    registerRunner: (): Promise<RegistrationOutcome> => Promise.resolve(NOT_HERE),
    verifyRunner: () => Promise.resolve({ kind: "valid", runner: undefined }),
    unregisterRunner: () => Promise.resolve(NOT_HERE),
    resetToken: () => Promise.resolve(NOT_HERE),
    [Symbol.dispose]: () => {},
  };
}
