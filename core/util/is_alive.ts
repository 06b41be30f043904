/** Processes by their numbers alone. */

import { codeOf } from "../errors.ts";

/** Whether a process of this host has the number, whoever's it is; a later one may have it again. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}
