/** Standard output and error, written at once: nothing is lost when the process exits next. */

import { fstatSync, writeSync } from "node:fs";
import { codeOf, messageOf, RunnerError } from "../errors.ts";
import type { TextOutput } from "./program.ts";

/** How long a reader that takes nothing is waited for before another look. */
const PAUSE_MS = 2;

/**
 * Takes all of each text, also when the other end of a pipe is slow; one that is gone ends it. What
 * standard output cannot take is a RunnerError; a log that cannot be written must not end jobs.
 */
export function fileOutput(
  descriptor: number,
  terminal: () => { readonly columns?: number; readonly rows?: number },
): TextOutput {
  return {
    isTTY: isTerminal(descriptor),
    get columns() {
      return terminal().columns ?? 80;
    },
    get rows() {
      return terminal().rows ?? 24;
    },
    write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSome(descriptor, bytes.subarray(at));
    },
  };
}

/** Only a device can be one, and streams need not be loaded to know that. */
function isTerminal(descriptor: number): boolean {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule("node:tty").isatty(descriptor);
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
