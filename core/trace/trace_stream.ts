/** One of a trace's streams, on its way from whoever writes it to the log's limit. */

import { Masker, type MaskRules } from "./masker.ts";
import type { OutputLimit } from "./output_limit.ts";
import { type StreamTag, TimestampedLines } from "./timestamps.ts";

export class TraceStream {
  readonly #masker: Masker;
  readonly #lines: TimestampedLines | undefined;

  /** `now` stamps lines (milliseconds since 1970, with fractions); undefined: no timestamps. */
  constructor(
    tag: StreamTag,
    rules: MaskRules,
    limit: OutputLimit,
    now: (() => number) | undefined,
  ) {
    const vital = tag === "00O";
    const append = (bytes: Uint8Array, start: number, end: number) =>
      limit.append(bytes, start, end, vital);
    const lines = now && new TimestampedLines(tag, append, now);
    this.#lines = lines;
    this.#masker = new Masker(
      rules,
      lines ? (bytes) => lines.add(bytes) : (bytes) => append(bytes, 0, bytes.length),
    );
  }

  /** Takes bytes, which may be reused when this has returned. */
  write(bytes: Uint8Array): void {
    this.#masker.write(bytes);
    this.#lines?.endWrite();
  }

  /** Takes a text in which nothing that begins is continued by later writes. */
  writeWhole(text: string): void {
    this.#masker.write(Buffer.from(text));
    this.#masker.flush();
    this.#lines?.endWrite();
  }

  /** Lets go of what is held back, and begins a line afresh. */
  flush(): void {
    this.#masker.flush();
    this.#lines?.flush();
  }
}
