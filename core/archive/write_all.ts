/** Writes to a file descriptor until nothing is left. */

import { writeSync } from "node:fs";

/** Blocks; a system call may take less than it is given. Without `position`, where the file is at. */
export function writeAll(fd: number, data: Uint8Array, position: number | null = null): void {
  for (let at = 0; at < data.length;) {
    const place = position === null ? null : position + at;
    at += writeSync(fd, data, at, data.length - at, place);
  }
}
