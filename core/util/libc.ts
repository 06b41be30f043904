/** The few calls of the C library that the runtime has no function for. */

import { dlopen, ptr, read } from "bun:ffi";
import { RunnerError } from "../errors.ts";

export interface Libc {
  /** Both ends of a new pipe that no child inherits by accident. Throws when there is none left. */
  pipe(): { readonly read: number; readonly write: number };
  /**
   * Takes the lock of the open file `descriptor` without waiting. It lasts until the descriptor is
   * closed, also by the death of this process. `unsupported`: its file system has no locks.
   */
  tryLock(descriptor: number): "taken" | "held" | "unsupported";
  /** Lets who prints to the terminal `descriptor` wait (`hold`), or go on. */
  flow(descriptor: number, action: "hold" | "go-on"): void;
  /**
   * Linux: takes these pages out of this process. Those of a file come back from it when they are
   * next used; what was written to them would be lost.
   */
  releasePages(range: { readonly start: number; readonly length: number }): void;
}

/** Where a system has its C library, and the numbers it uses. */
interface LibcTable {
  readonly names: readonly string[];
  readonly errnoFunction: string;
  readonly wouldBlock: number;
  /** `TCOOFF` and `TCOON`. */
  readonly flow: { readonly hold: number; readonly "go-on": number };
}

const TABLES: Readonly<Record<string, LibcTable>> = {
  linux: {
    names: ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"],
    errnoFunction: "__errno_location",
    wouldBlock: 11,
    flow: { hold: 0, "go-on": 1 },
  },
  darwin: {
    names: ["libSystem.B.dylib"],
    errnoFunction: "__error",
    wouldBlock: 35,
    flow: { hold: 1, "go-on": 2 },
  },
  freebsd: {
    names: ["libc.so.7"],
    errnoFunction: "__error",
    wouldBlock: 35,
    flow: { hold: 1, "go-on": 2 },
  },
};

const O_CLOEXEC: Readonly<Record<string, number>> = { linux: 0o2000000, freebsd: 0x100000 };
/** darwin has no `pipe2`; this request of `ioctl` needs no third argument, unlike `fcntl`. */
const FIOCLEX = 0x20006601;
const LOCK_EX_NB = 2 | 4;
const MADV_DONTNEED = 4;

/**
 * This system's library, or undefined where it cannot be had (Windows). Opened once: opening
 * compiles the calls, and there is nothing to close before the process ends.
 */
export function systemLibc(): Libc | undefined {
  opened ??= { libc: openLibc() };
  return opened.libc;
}

let opened: { readonly libc: Libc | undefined } | undefined;

function openLibc(): Libc | undefined {
  const table = TABLES[process.platform];
  if (table === undefined) return undefined;
  for (const name of table.names) {
    try {
      return bind(name, table);
    } catch {
      // The next name is that of another C library; without any, callers have another way.
    }
  }
  return undefined;
}

function bind(name: string, table: LibcTable): Libc {
  const closeOnExec = O_CLOEXEC[process.platform];
  const { symbols } = dlopen(name, {
    [closeOnExec === undefined ? "pipe" : "pipe2"]: { args: ["ptr", "i32"], returns: "i32" },
    ioctl: { args: ["i32", "u64"], returns: "i32" },
    flock: { args: ["i32", "i32"], returns: "i32" },
    tcflow: { args: ["i32", "i32"], returns: "i32" },
    madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
    [table.errnoFunction]: { args: [], returns: "ptr" },
  });
  const call = symbols as Readonly<Record<string, (...args: unknown[]) => number>>;
  const errno = () => {
    const address = symbols[table.errnoFunction]?.();
    return address ? read.i32(address as Parameters<typeof read.i32>[0], 0) : 0;
  };
  return {
    pipe() {
      const ends = new Int32Array(2);
      const failed = closeOnExec === undefined
        ? call["pipe"]?.(ptr(ends), 0)
        : call["pipe2"]?.(ptr(ends), closeOnExec);
      const [readEnd, writeEnd] = ends;
      if (failed !== 0 || readEnd === undefined || writeEnd === undefined) {
        throw new RunnerError(`Cannot open a pipe: system error ${errno()}`);
      }
      if (closeOnExec === undefined) { for (const end of ends) call["ioctl"]?.(end, FIOCLEX); }
      return { read: readEnd, write: writeEnd };
    },
    tryLock(descriptor) {
      if (call["flock"]?.(descriptor, LOCK_EX_NB) === 0) return "taken";
      return errno() === table.wouldBlock ? "held" : "unsupported";
    },
    flow(descriptor, action) {
      call["tcflow"]?.(descriptor, table.flow[action]);
    },
    releasePages({ start, length }) {
      call["madvise"]?.(start, length, MADV_DONTNEED);
    },
  };
}
