/** Keeps somebody who logs without end from filling the runner's log. */

/** As many lines may come at once, and this many more every second. */
const BURST_LINES = 500;
const LINES_PER_SECOND = 50;

/** A bucket of lines that fills with time. */
export class LogLimit {
  readonly #onLoss: (lost: number) => void;
  #lines = BURST_LINES;
  #lost = 0;
  #filledAt = performance.now();

  /** `onLoss` is told how many lines were left out, when lines pass again. */
  constructor(onLoss: (lost: number) => void) {
    this.#onLoss = onLoss;
  }

  /** Whether a line may pass now. */
  pass(): boolean {
    const now = performance.now();
    const filled = this.#lines + (now - this.#filledAt) / 1000 * LINES_PER_SECOND;
    this.#lines = Math.min(BURST_LINES, filled);
    this.#filledAt = now;
    if (this.#lines < 1) {
      this.#lost++;
      return false;
    }
    this.#lines--;
    if (this.#lost > 0) this.#onLoss(this.#lost);
    this.#lost = 0;
    return true;
  }
}
