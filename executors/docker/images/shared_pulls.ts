/** Pulls that jobs share: who asks for what is being pulled already waits for that pull. */

import type { JobLog } from "../../../core/executor.ts";
import { abortable, deadline, delay, JobAborted } from "../../../core/util/abort.ts";
import { backoff } from "../../../core/util/retry.ts";
import type { Engine, RegistryAuth } from "../engine/mod.ts";
import { identityOf, type ImageName } from "./image_name.ts";
import { isTransient, PullTimeout, wordsOf } from "./pull_failure.ts";

export interface SharedPullsOptions {
  readonly engine: Pick<Engine, "pullImage">;
  /** How long one pull may take, with its retries. Milliseconds. */
  readonly timeoutMs: number;
  /** Milliseconds to wait after failed attempt `attempt`, the first being 0. */
  readonly retryDelayMs?: (attempt: number) => number;
}

export interface PullRequest {
  /** As the job has it. */
  readonly image: string;
  readonly name: ImageName;
  readonly platform: string | undefined;
  readonly auth: RegistryAuth | undefined;
  /** It must be what the registry has now, not what it had when an older pull began. */
  readonly current: boolean;
}

const ATTEMPTS = 3;

interface Waiter {
  readonly image: string;
  readonly log: JobLog;
}

interface SharedPull {
  readonly waiters: Set<Waiter>;
  readonly controller: AbortController;
  /** The registry has said what the name stands for. */
  resolved: boolean;
  readonly done: Promise<void>;
}

/** The pulls under way on one engine. */
export class SharedPulls {
  readonly #options: Required<SharedPullsOptions>;
  readonly #pulls = new Map<string, SharedPull>();

  constructor(options: SharedPullsOptions) {
    this.#options = { retryDelayMs: patiently, ...options };
  }

  /**
   * Resolves when the image is there. Jobs share a pull only with the same credentials. `signal`
   * ends the waiting; the pull itself ends when nobody waits for it any more. Rejects with what
   * `isPullFailure` knows, or an EngineError that says the engine is gone.
   */
  async pull(request: PullRequest, log: JobLog, options: { signal: AbortSignal }): Promise<void> {
    options.signal.throwIfAborted();
    const key = JSON.stringify([identityOf(request.name), request.platform, request.auth]);
    const running = this.#pulls.get(key);
    const pull = running !== undefined && mayJoin(running, request)
      ? running
      : this.#start(key, request);
    const waiter = { image: request.image, log };
    pull.waiters.add(waiter);
    try {
      await abortable(pull.done, options.signal);
    } finally {
      pull.waiters.delete(waiter);
      if (pull.waiters.size === 0) {
        this.#forget(key, pull);
        pull.controller.abort(new JobAborted("nobody waits for the image any more"));
      }
    }
  }

  #start(key: string, request: PullRequest): SharedPull {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    // Who waits is told; when all have left, nobody is.
    done.catch(() => {});
    const pull: SharedPull = {
      waiters: new Set(),
      controller: new AbortController(),
      resolved: false,
      done,
    };
    this.#pulls.set(key, pull);
    this.#run(pull, request).finally(() => this.#forget(key, pull)).then(resolve, reject);
    return pull;
  }

  #forget(key: string, pull: SharedPull): void {
    if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
  }

  async #run(pull: SharedPull, request: PullRequest): Promise<void> {
    const { timeoutMs, retryDelayMs } = this.#options;
    using limit = deadline(timeoutMs, () => new PullTimeout(timeoutMs), pull.controller.signal);
    const { signal } = limit;
    for (let attempt = 0;; attempt++) {
      try {
        return await this.#attempt(pull, request, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (attempt + 1 === ATTEMPTS || !isTransient(error)) throw error;
        for (const { image, log } of pull.waiters) {
          const which = `"${image}" (attempt #${attempt + 1})`;
          log.warning(`Failed to pull image ${which}, retrying: ${wordsOf(error)}`);
        }
      }
      await delay(retryDelayMs(attempt), { signal });
    }
  }

  async #attempt(pull: SharedPull, request: PullRequest, signal: AbortSignal): Promise<void> {
    const { image, platform, auth } = request;
    pull.resolved = false;
    await this.#options.engine.pullImage(image, {
      signal,
      ...(auth === undefined ? {} : { auth }),
      ...(platform === undefined ? {} : { platform }),
      // The engine tells of progress from the manifest's arrival on.
      onProgress: () => pull.resolved = true,
    });
  }
}

/**
 * A tag may have been pushed anew since a pull looked it up: a job that needs what was pushed must
 * not get the older image. The engine shares the layers between two pulls anyway.
 */
function mayJoin(pull: SharedPull, request: PullRequest): boolean {
  return !request.current || request.name.digest !== undefined || !pull.resolved;
}

function patiently(attempt: number): number {
  return backoff(attempt, { minMs: 2000, maxMs: 10_000 });
}
