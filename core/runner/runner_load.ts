/** How many jobs of one runner this manager runs, or has asked for: what `limit` counts. */

/** One per token: entries that have it in common share it. */
export class RunnerLoad {
  #places = 0;
  readonly #waiting = new Set<() => void>();

  /** Jobs that run, and requests that may bring one. */
  get places(): number {
    return this.#places;
  }

  take(): void {
    this.#places++;
  }

  /** Whoever waits for a place comes before whoever gives one back. */
  free(): void {
    this.#places--;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const retry of waiting) retry();
  }

  /** Calls `retry` once, when a place has become free. */
  wait(retry: () => void): void {
    this.#waiting.add(retry);
  }
}
