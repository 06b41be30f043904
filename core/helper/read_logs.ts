/** `read-logs`: follows a file and prints each line behind the offset at which it ends. */

import { closeSync, constants, openSync, readSync } from "node:fs";
import { codeOf, ConfigurationError } from "../errors.ts";
import { delay } from "../util/abort.ts";
import type { HelperCommand, HelperContext } from "./helper_command.ts";

/** The file never appeared. */
const NO_FILE = 100;
const POLL_MS = 500;
/** A longer line is printed in parts. */
const BUFFER_SIZE = 16 * 1024;
const LINE_FEED = 0x0a;

export const readLogs: HelperCommand = {
  name: "read-logs",
  summary: "reads job logs from a file, used by kubernetes executor (internal)",
  quiet: true,
  flags: [
    { name: "path", type: "string", help: "File to follow" },
    { name: "offset", type: "int", default: "0", help: "Byte to begin at" },
    {
      name: "wait-file-timeout",
      type: "duration",
      default: "1s",
      help: "How long to wait for the file",
    },
  ],
  async run(values, context) {
    const path = values.text("path");
    if (path === "") throw new ConfigurationError("Missing path of the log file");
    const fd = await openWithin(values.durationMs("wait-file-timeout"), path, context.signal);
    if (fd === undefined) return NO_FILE;
    try {
      await follow(fd, values.int("offset"), context);
    } finally {
      closeSync(fd);
    }
    return 0;
  },
};

async function openWithin(
  ms: number,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const end = performance.now() + ms;
  for (;;) {
    try {
      return openSync(path, constants.O_RDONLY);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
    const left = end - performance.now();
    if (left <= 0) return undefined;
    await delay(Math.min(POLL_MS, left), { signal });
  }
}

/** Ends when the process is asked to. */
async function follow(fd: number, start: number, context: HelperContext): Promise<void> {
  const { stdout, signal } = context;
  const buffer = Buffer.alloc(BUFFER_SIZE);
  let offset = start;
  let filled = 0;
  while (!signal.aborted) {
    const count = readSync(fd, buffer, filled, BUFFER_SIZE - filled, offset + filled);
    filled += count;
    let begin = 0;
    for (let end; (end = lineEnd(buffer, begin, filled)) > begin; begin = end) {
      offset += end - begin;
      const complete = buffer[end - 1] === LINE_FEED;
      const text = buffer.toString("utf8", begin, complete ? end - 1 : end);
      stdout.write(`${offset} ${text}\n`);
    }
    buffer.copyWithin(0, begin, filled);
    filled -= begin;
    if (count === 0) await delay(POLL_MS, { signal }).catch(() => {});
  }
}

/** One past the line feed; the whole buffer when it is full without one; else `begin`. */
function lineEnd(buffer: Buffer, begin: number, filled: number): number {
  const at = buffer.subarray(begin, filled).indexOf(LINE_FEED);
  if (at >= 0) return begin + at + 1;
  return begin === 0 && filled === BUFFER_SIZE ? filled : begin;
}
