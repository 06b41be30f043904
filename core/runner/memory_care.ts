/** Gives the memory that ended jobs leave behind back to the machine: other jobs need it. */

/** What this process uses, and how it lets go of what it does not. */
export interface OwnMemory {
  /** Bytes of physical memory. */
  resident(): number;
  /** Frees all garbage and returns its pages; takes some ten milliseconds. */
  collect(): void;
}

export const ownMemory: OwnMemory = {
  resident: () => process.memoryUsage.rss(),
  collect: () => Bun.gc(true),
};

/**
 * JavaScriptCore lets a heap grow by 32 MB or to its double before it collects, and then keeps the
 * pages; a burst of jobs would raise this process for as long as it runs.
 */
const GROWTH_BYTES = 8 * 1024 * 1024;

/** After fewer jobs, one at a time, the collection would cost more than what it finds. */
const ENDED_JOBS = 10;

export class MemoryCare {
  readonly #memory: OwnMemory;
  /** After the last collection. */
  #residentBytes: number;
  #ended = 0;

  constructor(memory: OwnMemory) {
    this.#memory = memory;
    this.#residentBytes = memory.resident();
  }

  jobStarted(): void {
    if (this.#hasGrown()) this.#collect();
  }

  /** `running`: how many jobs are left. */
  jobEnded(running: number): void {
    this.#ended++;
    const isOver = running === 0 && this.#ended >= ENDED_JOBS;
    if (isOver || this.#hasGrown()) this.#collect();
  }

  #hasGrown(): boolean {
    return this.#memory.resident() - this.#residentBytes >= GROWTH_BYTES;
  }

  #collect(): void {
    this.#memory.collect();
    this.#residentBytes = this.#memory.resident();
    this.#ended = 0;
  }
}
