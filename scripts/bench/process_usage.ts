/** What a process of this host has used, as Linux tells it. */

import { readdirSync, readFileSync } from "node:fs";

const KIB_PER_MIB = 1024;

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

  /** Processor time of the threads that live now, to the nanosecond. Milliseconds. */
  get cpuMs(): number {
    const tasks = `/proc/${this.#pid}/task`;
    const nanoseconds = readdirSync(tasks).map((thread) =>
      Number(readFileSync(`${tasks}/${thread}/schedstat`, "latin1").split(" ")[0])
    );
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
  }

  #status(field: string): number {
    const text = readFileSync(`/proc/${this.#pid}/status`, "latin1");
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    if (kib === undefined) throw new Error(`Process ${this.#pid} has no "${field}" in its status`);
    return Number(kib) / KIB_PER_MIB;
  }
}
