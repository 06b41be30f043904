/** Standard output and error, written at once: nothing is lost when the process exits next. */

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { codeOf, messageOf, RunnerError } from "../errors.ts";
import type { TextOutput } from "./program.ts";

/** How long a reader that takes nothing is waited for before another look. */
const PAUSE_MS = 2;

/**
 * Takes all of each text, also when the other end of a pipe is slow; one that is gone ends it. What
 * standard output cannot take is a RunnerError; a log that cannot be written must not end jobs.
 */
export function fileOutput(descriptor: number, columns: () => number | undefined): TextOutput {
  return {
    isTTY: isatty(descriptor),
    get columns() {
      return columns() ?? 80;
    },
    write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSome(descriptor, bytes.subarray(at));
    },
  };
}

function writeSome(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    switch (codeOf(error)) {
      case "EAGAIN":
        Bun.sleepSync(PAUSE_MS);
        return 0;
      case "EPIPE":
        return bytes.length;
      default:
        if (descriptor === 2) return bytes.length;
        throw new RunnerError(`Cannot write the output: ${messageOf(error)}`, { cause: error });
    }
  }
}
