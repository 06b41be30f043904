/** Abort signals with typed reasons: deadlines, linked signals, waiting that can be given up. */

/** GitLab asks to stop the script; `after_script`, cache and artifacts still run. */
export class JobCanceled extends Error {
  override readonly name = "JobCanceled";
  constructor() {
    super("canceled");
  }
}

/** The job is over or not ours any more: everything stops now, nothing else runs. */
export class JobAborted extends Error {
  override readonly name = "JobAborted";
  constructor(why: string) {
    super(why);
  }
}

/** A time limit of ours was met. `limitMs` is the whole limit, not what was left of it. */
export class DeadlineExceeded extends Error {
  override readonly name = "DeadlineExceeded";
  constructor(what: string, limitMs: number) {
    super(`${what} took longer than ${limitMs / 1000} seconds`);
  }
}

/** The job's time limit, or that of one of its stages, was met. The message is for its log. */
export class JobTimedOut extends Error {
  override readonly name = "JobTimedOut";
}

/**
 * This process is going down. `forced`: within `shutdown_timeout`, not when jobs are done. `signal`
 * is what it was told by, in the words of GitLab Runner's logs.
 */
export class ProcessShutdown extends Error {
  override readonly name = "ProcessShutdown";
  readonly forced: boolean;
  constructor(forced: boolean, signal: "terminated" | "interrupt" = "terminated") {
    super(forced ? `aborted: ${signal}` : "shutting down");
    this.forced = forced;
  }
}

/** A controller whose timer is cleared on dispose, and which follows its parents. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: Error): void;
}

/**
 * A signal that aborts with `reason()` after `ms` milliseconds, or when a parent aborts
 * (with the parent's reason). `ms` of Infinity means no time limit.
 */
export function deadline(
  ms: number,
  reason: () => Error,
  ...parents: readonly AbortSignal[]
): Deadline {
  const controller = new AbortController();
  const unlink = parents.map((parent) => link(parent, controller));
  const timer = Number.isFinite(ms)
    ? setLongTimeout(() => controller.abort(reason()), ms)
    : undefined;
  return {
    signal: controller.signal,
    abort: (why) => controller.abort(why),
    [Symbol.dispose]() {
      timer?.clear();
      for (const stop of unlink) stop();
    },
  };
}

/** Aborts `controller` when `parent` aborts. Returns what undoes the link. */
export function link(parent: AbortSignal, controller: AbortController): () => void {
  if (parent.aborted) {
    controller.abort(parent.reason);
    return () => {};
  }
  const follow = () => controller.abort(parent.reason);
  parent.addEventListener("abort", follow, { once: true });
  return () => parent.removeEventListener("abort", follow);
}

/** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
export function delay(
  ms: number,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setLongTimeout(() => {
    signal?.removeEventListener("abort", stop);
    resolve();
  }, ms);
  const stop = () => {
    timer.clear();
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", stop, { once: true });
  return promise;
}

/** Settles as `promise` does, unless `signal` aborts first: then it rejects with the reason. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Timers hold 32 bits of milliseconds; a longer wait would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function setLongTimeout(fire: () => void, ms: number): { clear(): void } {
  const end = performance.now() + ms;
  let timer: ReturnType<typeof setTimeout>;
  const arm = () => {
    const left = Math.max(0, end - performance.now());
    timer = left > LONGEST_TIMER_MS ? setTimeout(arm, LONGEST_TIMER_MS) : setTimeout(fire, left);
  };
  arm();
  return { clear: () => clearTimeout(timer) };
}

/** Whether `promise` settles, in whichever way, in so many milliseconds. No timer is left. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const settled = promise.then(() => true, () => true);
  try {
    return await Promise.race([settled, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
