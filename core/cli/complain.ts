/** The last words of a process that has no log for them, or no longer one. */

import { RunnerError } from "../errors.ts";
import type { Program } from "./program.ts";

/** Prints what went wrong; a fault of ours with the place where it was found. */
export function complain(error: unknown, { calledAs, stderr }: Program): void {
  if (error instanceof RunnerError) {
    stderr.write(`${calledAs}: ${error.message}\n`);
    return;
  }
  const what = error instanceof Error ? error.stack ?? error.message : String(error);
  stderr.write(`${calledAs}: internal error: ${what}\n`);
}
