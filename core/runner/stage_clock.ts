/** How long each stage of a job takes, told when the next one begins. */

export class StageClock {
  readonly #onEnd: (stage: string, durationMs: number) => void;
  #stage: string | undefined;
  #since = 0;

  constructor(onEnd: (stage: string, durationMs: number) => void) {
    this.#onEnd = onEnd;
  }

  /** Undefined: the job has ended. */
  enter(stage: string | undefined): void {
    const now = performance.now();
    if (this.#stage !== undefined) this.#onEnd(this.#stage, now - this.#since);
    this.#stage = stage;
    this.#since = now;
  }
}
