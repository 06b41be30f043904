/** What a process of this host has used, as Linux tells it. */

import { dlopen, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";

const KIB_PER_MIB = 1024;

/** Files below /proc have either the threads that still live, or steps of ten milliseconds. */
const CLOCKS = dlopen("libc.so.6", {
  clock_getcpuclockid: { args: ["i32", "ptr"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
});

export class ProcessUsage {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Resident memory now. MiB. */
  get residentMiB(): number {
    return this.#status("VmRSS");
  }

  /** The most it ever was. MiB. */
  get peakMiB(): number {
    return this.#status("VmHWM");
  }

  /** Processor time of all its threads, also those that have ended, to the nanosecond. Milliseconds. */
  get cpuMs(): number {
    const clock = new Int32Array(1);
    const time = new BigInt64Array(2);
    const { clock_getcpuclockid: find, clock_gettime: read } = CLOCKS.symbols;
    if (find(this.#pid, ptr(clock)) !== 0 || read(clock[0] ?? 0, ptr(time)) !== 0) {
      throw new Error(`Process ${this.#pid} has no processor time: has it ended?`);
    }
    const [seconds = 0n, nanoseconds = 0n] = time;
    return Number(seconds) * 1e3 + Number(nanoseconds) / 1e6;
  }

  #status(field: string): number {
    const text = readFileSync(`/proc/${this.#pid}/status`, "latin1");
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    if (kib === undefined) throw new Error(`Process ${this.#pid} has no "${field}" in its status`);
    return Number(kib) / KIB_PER_MIB;
  }
}
