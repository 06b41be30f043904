/** Writes to a file descriptor until nothing is left. */

import { writeSync } from "node:fs";

/** Blocks; a system call may take less than it is given. */
export function writeAll(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length;) at += writeSync(fd, data, at, data.length - at);
}
