/** How many bytes of a job's output may still be sent before the other side has taken some. */
export class OutputWindow {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Takes up to `wanted` bytes out of the window; waits while it is empty. */
  async take(wanted: number): Promise<number> {
    while (this.#free <= 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    const taken = Math.min(wanted, this.#free);
    this.#free -= taken;
    return taken;
  }

  /** The other side has taken `bytes`. */
  give(bytes: number): void {
    this.#free += bytes;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
