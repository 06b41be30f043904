/** Hides what follows a known head: a URL parameter's value, the rest of a token. */

import type { EmitBytes } from "./masker.ts";
import type { PatternSet } from "./pattern_set.ts";
import { copyFrom, joined, MASKED, NOTHING } from "./mask_bytes.ts";

/**
 * Prints heads and replaces the run of tail bytes behind one by `[MASKED]`. Never holds bytes back:
 * a head is no secret, so its first part may go out before the rest is seen.
 */
export class TailMasker {
  readonly #heads: PatternSet;
  readonly #isTail: Uint8Array;
  readonly #emit: EmitBytes;
  /** The start of a head, emitted already. */
  #seen: Uint8Array = NOTHING;
  #behind: "no-head" | "head" | "mask" = "no-head";

  /** `isTail` has 256 entries: 1 for each byte that belongs to a tail. */
  constructor(heads: PatternSet, isTail: Uint8Array, emit: EmitBytes) {
    this.#heads = heads;
    this.#isTail = isTail;
    this.#emit = emit;
  }

  write(bytes: Uint8Array): void {
    const data = joined(this.#seen, bytes);
    let done = this.#seen.length;
    let from = 0;
    this.#seen = NOTHING;
    if (this.#behind !== "no-head") {
      done = from = this.#hide(data, done);
      if (done === data.length) return;
    }
    let head = from === 0 ? this.#heads.first(data) : this.#heads.find(data, from);
    while (head !== undefined) {
      const tail = head.start + head.length;
      this.#emit(data.subarray(done, tail));
      this.#behind = "head";
      done = from = this.#hide(data, tail);
      if (done === data.length) return;
      head = this.#heads.find(data, from);
    }
    if (done < data.length) this.#emit(done === 0 ? data : data.subarray(done));
    this.#seen = copyFrom(data, this.#heads.unfinished(data, from));
  }

  /** Forgets a head or tail that the text so far ended with. */
  reset(): void {
    this.#seen = NOTHING;
    this.#behind = "no-head";
  }

  /** Drops tail bytes from `start` on; returns where they end. */
  #hide(data: Uint8Array, start: number): number {
    let end = start;
    while (end < data.length && this.#isTail[data[end]!] === 1) end++;
    if (end > start && this.#behind === "head") {
      this.#emit(MASKED);
      this.#behind = "mask";
    }
    if (end < data.length) this.#behind = "no-head";
    return end;
  }
}
