/** Reads from a place in an open file until a buffer is full or the file ends. */

import { readSync } from "node:fs";

/** How many bytes were read; a system call may give less than it is asked for. Blocks. */
export function readAt(fd: number, buffer: Uint8Array, offset: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
