/** Gives the memory that ended jobs leave behind back to the machine: other jobs need it. */

import { readFileSync } from "node:fs";
import { releaseProgramPages } from "../util/program_pages.ts";

/** What this process uses, and how it lets go of what it does not. */
export interface OwnMemory {
  /** Bytes of physical memory; without those of code, where they can be told apart. */
  used(): number;
  /** Frees all garbage and returns its pages; takes some ten milliseconds. */
  collect(): void;
  /**
   * Lets go of the executable's code; what is called next is back in some milliseconds. More than
   * half of what a manager has in memory is code, and most of that was for its start.
   */
  releaseProgram(): void;
}

export const ownMemory: OwnMemory = {
  used: usedBytes,
  collect: () => Bun.gc(true),
  releaseProgram: releaseProgramPages,
};

/** Time, and a way to be called later. Milliseconds. */
export interface Alarm {
  now(): number;
  /** Calls `ring` once, and keeps no process from its end; returns what calls it off. */
  after(ms: number, ring: () => void): () => void;
}

const systemAlarm: Alarm = {
  now: () => performance.now(),
  after(ms, ring) {
    const timer = setTimeout(ring, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * JavaScriptCore lets a heap grow by 32 MB or to its double before it collects, and then keeps the
 * pages; a burst of jobs would raise this process for as long as it runs.
 */
const GROWTH_BYTES = 6 * 1024 * 1024;

/** After fewer jobs, one at a time, the collection would cost more than what it finds. */
const ENDED_JOBS = 10;

/** Without jobs for so long, this process has nothing to do that could be held up. */
const QUIET_MS = 1000;

/** Code that was let go has to be found again: too often, and that costs more than it is worth. */
const RELEASE_PAUSE_MS = 60_000;

export class MemoryCare {
  readonly #memory: OwnMemory;
  readonly #alarm: Alarm;
  /** After the last collection. */
  #usedBytes: number;
  #ended = 0;
  #releasedAt = Number.NEGATIVE_INFINITY;
  #callOff: () => void;

  constructor(memory: OwnMemory, alarm: Alarm = systemAlarm) {
    this.#memory = memory;
    this.#alarm = alarm;
    this.#usedBytes = memory.used();
    this.#callOff = this.#collectWhenQuiet();
  }

  jobStarted(): void {
    this.#callOff();
    if (this.#hasGrown()) this.#collect();
  }

  /** `running`: how many jobs are left. */
  jobEnded(running: number): void {
    this.#ended++;
    const isOver = running === 0 && this.#ended >= ENDED_JOBS;
    if (isOver || this.#hasGrown()) this.#collect();
    if (running === 0) this.#callOff = this.#collectWhenQuiet();
  }

  #hasGrown(): boolean {
    return this.#memory.used() - this.#usedBytes >= GROWTH_BYTES;
  }

  #collectWhenQuiet(): () => void {
    const allowedAt = this.#releasedAt + RELEASE_PAUSE_MS;
    const wait = Math.max(QUIET_MS, allowedAt - this.#alarm.now());
    return this.#alarm.after(wait, () => this.#collect());
  }

  #collect(): void {
    this.#memory.collect();
    const now = this.#alarm.now();
    if (now - this.#releasedAt >= RELEASE_PAUSE_MS) {
      this.#memory.releaseProgram();
      this.#releasedAt = now;
    }
    this.#usedBytes = this.#memory.used();
    this.#ended = 0;
  }
}

function usedBytes(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "latin1") : "";
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? process.memoryUsage.rss() : Number(kib) * 1024;
}
