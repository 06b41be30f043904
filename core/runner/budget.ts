/** The global `concurrent`: how many jobs this manager runs at once. */

/** One place among the running jobs. Disposing it twice is harmless. */
export type Permit = Disposable;

export class JobBudget {
  #capacity: number;
  #taken = 0;
  readonly #waiting: ((permit: Permit) => void)[] = [];
  readonly #onFree: () => void;

  /** `onFree` is called when a place has become free that nobody was waiting for. */
  constructor(capacity: number, onFree: () => void) {
    this.#capacity = capacity;
    this.#onFree = onFree;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** A lower capacity takes effect as jobs end. */
  configure(capacity: number): void {
    this.#capacity = capacity;
    this.#settle();
  }

  /** A place, if one is free now. */
  reserve(): Permit | undefined {
    return this.#taken < this.#capacity ? this.#permit() : undefined;
  }

  /** A place as soon as one is free, in the order of asking; rejects when `signal` aborts. */
  async take(options: { signal: AbortSignal }): Promise<Permit> {
    const { signal } = options;
    signal.throwIfAborted();
    const now = this.reserve();
    if (now !== undefined) return now;
    const { promise, resolve, reject } = Promise.withResolvers<Permit>();
    const stop = () => {
      const at = this.#waiting.indexOf(resolve);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #permit(): Permit {
    this.#taken++;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#taken--;
        this.#settle();
      },
    };
  }

  #settle(): void {
    while (this.#taken < this.#capacity) {
      const next = this.#waiting.shift();
      if (next === undefined) return this.#onFree();
      next(this.#permit());
    }
  }
}
