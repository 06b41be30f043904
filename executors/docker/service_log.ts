/** A service's log on its way into the job's: whole lines, each with the service's names in front. */

import type { OutputSink } from "../../core/executor.ts";
import { ANSI } from "../../core/util/ansi.ts";

/** A longer line goes on in the next one. */
const LONGEST_LINE_BYTES = 16 * 1024;

const LINE_FEED = 10;

export class ServiceLog implements OutputSink {
  readonly #output: OutputSink;
  readonly #prefix: Uint8Array;
  readonly #suffix = Buffer.from(`${ANSI.reset}\n`);
  /** The line that is not complete yet, per stream: the engine tells which one a piece is of. */
  readonly #lines = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  constructor(aliases: readonly string[], output: OutputSink) {
    this.#prefix = Buffer.from(`${ANSI.service}[service:${aliases.join("-")}] `);
    this.#output = output;
  }

  write(bytes: Uint8Array, stream: "stdout" | "stderr" = "stdout"): Promise<void> | undefined {
    const lines: Uint8Array[] = [];
    let rest: Buffer = Buffer.concat([this.#lines[stream], bytes]);
    for (;;) {
      const feed = rest.subarray(0, LONGEST_LINE_BYTES).indexOf(LINE_FEED);
      if (feed < 0 && rest.length < LONGEST_LINE_BYTES) break;
      const end = feed < 0 ? LONGEST_LINE_BYTES : feed;
      lines.push(this.#prefix, rest.subarray(0, end), this.#suffix);
      rest = rest.subarray(feed < 0 ? end : end + 1);
    }
    this.#lines[stream] = Buffer.from(rest);
    return lines.length === 0 ? undefined : this.#output.write(Buffer.concat(lines), "services");
  }

  /** Hands on what has no line end yet. */
  async end(): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#lines[stream].length > 0) await this.write(Buffer.of(LINE_FEED), stream);
    }
  }
}
