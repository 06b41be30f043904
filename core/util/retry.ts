/** Exponential backoff with jitter. */

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Draws a number in [0, 1); undefined means no jitter. */
  readonly random?: (() => number) | undefined;
}

/** Milliseconds to wait before attempt `attempt` + 1, where 0 is the first attempt that failed. */
export function backoff(attempt: number, options: BackoffOptions): number {
  const grown = Math.min(options.maxMs, options.minMs * 2 ** attempt);
  if (options.random === undefined) return grown;
  return options.minMs + options.random() * (grown - options.minMs);
}
