/** Replaces masked values in a stream of bytes. */

import type { EmitBytes } from "./masker.ts";
import type { PatternSet } from "./pattern_set.ts";
import { copyFrom, joined, MASKED, NOTHING } from "./mask_bytes.ts";

/**
 * Hides every byte of every occurrence of a value: one `[MASKED]` for occurrences that overlap, one
 * each for those that only touch. Bytes that may be the start of a value are held back until more
 * comes or `flush` is called.
 */
export class ValueMasker {
  readonly #patterns: () => PatternSet;
  readonly #emit: EmitBytes;
  #held: Uint8Array = NOTHING;
  /** How many of the held bytes belong to an occurrence that is replaced already. */
  #hidden = 0;

  /** `patterns` is asked at each write: values may be added, never taken away. */
  constructor(patterns: () => PatternSet, emit: EmitBytes) {
    this.#patterns = patterns;
    this.#emit = emit;
  }

  write(bytes: Uint8Array): void {
    const patterns = this.#patterns();
    const data = joined(this.#held, bytes);
    this.#pass(data, patterns, patterns.unfinished(data, 0));
  }

  flush(): void {
    if (this.#held.length > 0) this.#pass(this.#held, this.#patterns(), this.#held.length);
  }

  /** Emits `data` up to `end` and holds the rest back. */
  #pass(data: Uint8Array, patterns: PatternSet, end: number): void {
    let hidden = this.#hidden;
    let next = patterns.first(data);
    while (next !== undefined && next.start < end) {
      if (next.start >= hidden) {
        if (next.start > hidden) this.#emit(data.subarray(hidden, next.start));
        this.#emit(MASKED);
      }
      hidden = Math.max(hidden, next.start + next.length);
      next = patterns.find(data, next.start + 1);
    }
    if (hidden < end) {
      this.#emit(hidden === 0 && end === data.length ? data : data.subarray(hidden, end));
    }
    this.#held = copyFrom(data, end);
    this.#hidden = Math.max(0, hidden - end);
  }
}
