/** A bell that many can wait for: how long polls and live logs wait on events, not timers. */

export type Rung = "rung" | "time-over" | "gone";

export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Waits for the next ring, at most `ms` (Infinity: no limit), or until `signal` aborts. */
  wait(ms: number, options: { signal?: AbortSignal } = {}): Promise<Rung> {
    const { signal } = options;
    if (signal?.aborted === true) return Promise.resolve("gone");
    const { promise, resolve } = Promise.withResolvers<Rung>();
    const settle = (how: Rung) => {
      this.#waiting.delete(wake);
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
      resolve(how);
    };
    const wake = () => settle("rung");
    const leave = () => settle("gone");
    const timer = Number.isFinite(ms) ? setTimeout(() => settle("time-over"), ms) : undefined;
    this.#waiting.add(wake);
    signal?.addEventListener("abort", leave, { once: true });
    return promise;
  }
}
