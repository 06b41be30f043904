/**
 * Finds any of many byte strings in one pass (Wu-Manber, blocks of two bytes): the search jumps by
 * up to the shortest pattern's length, so that hiding many secrets costs little more than reading.
 */

/** Where a pattern was found. */
export interface Occurrence {
  readonly start: number;
  readonly length: number;
}

export interface PatternSetOptions {
  /** ASCII letters match in either case. */
  readonly ignoreCase?: boolean;
}

/** Blocks are hashed to this many bits: a table of 8 KiB stays in the processor's first cache. */
const HASH_BITS = 13;
const HASH_MASK = (1 << HASH_BITS) - 1;
const LONGEST_SHIFT = 255;

/** From here on the native comparison is faster: a job must not stall us with a very long secret. */
const COMPARED_BY_HAND = 16;
const compareRanges = Buffer.prototype.compare;

/** With short jumps, a native scan for each of a few patterns is faster as long as none is there. */
const SHORT_WINDOW = 8;
const MOST_SCANNED = 32;
const indexIn = Buffer.prototype.indexOf;

/** An immutable set of byte strings. Empty strings are left out. */
export class PatternSet {
  /** Length of the longest pattern; 0 when there is none. */
  readonly longest: number;
  readonly #window: number;
  /** The patterns, where scanning for each of them pays. */
  readonly #scanned: readonly Uint8Array[] | undefined;
  readonly #ignoreCase: boolean;
  readonly #fold: Uint8Array;
  /** Per hashed block: how far the window may move; 0 where a pattern may begin. */
  readonly #shift = new Uint8Array(1 << HASH_BITS);
  /** Patterns whose window ends with a block of this hash, longest first. */
  readonly #candidates = new Map<number, Uint8Array[]>();
  readonly #byFirst: (Uint8Array[] | undefined)[] = new Array(256);

  constructor(patterns: Iterable<Uint8Array>, options: PatternSetOptions = {}) {
    this.#ignoreCase = options.ignoreCase ?? false;
    this.#fold = this.#ignoreCase ? LOWER_CASE : AS_IT_IS;
    const folded = distinct(
      [...patterns].map((pattern) => pattern.map((byte) => this.#fold[byte]!)),
    );
    this.longest = folded.reduce((most, pattern) => Math.max(most, pattern.length), 0);
    this.#window = folded.reduce((least, pattern) => Math.min(least, pattern.length), this.longest);
    this.#shift.fill(Math.min(LONGEST_SHIFT, Math.max(1, this.#window - 1)));
    const scans = !this.#ignoreCase && this.#window < SHORT_WINDOW && folded.length <= MOST_SCANNED;
    this.#scanned = scans ? folded : undefined;
    folded.sort((a, b) => b.length - a.length);
    for (const pattern of folded) this.#add(pattern);
  }

  get isEmpty(): boolean {
    return this.longest === 0;
  }

  /** What `find` gives from the beginning of `data` on, sooner where nothing is to be found. */
  first(data: Uint8Array): Occurrence | undefined {
    const isAbsent = this.#scanned?.every((pattern) => indexIn.call(data, pattern) < 0) ?? false;
    return isAbsent ? undefined : this.find(data, 0);
  }

  /** The first occurrence at or after `from`, the longest one when several begin there. */
  find(data: Uint8Array, from: number): Occurrence | undefined {
    if (this.longest === 0) return undefined;
    const shift = this.#shift;
    const window = this.#window;
    const length = data.length;
    let last = from + window - 1;
    while (last < length) {
      // The index is never negative where it matters: a window of one byte accepts any byte before.
      const hash = ((data[last - 1]! << 5) ^ data[last]!) & HASH_MASK;
      const move = shift[hash]!;
      if (move !== 0) {
        last += move;
        continue;
      }
      const start = last - window + 1;
      for (const pattern of this.#candidates.get(hash)!) {
        const fits = pattern.length <= length - start;
        if (fits && this.#equal(data, start, pattern, pattern.length)) {
          return { start, length: pattern.length };
        }
      }
      last++;
    }
    return undefined;
  }

  /**
   * The first position at or after `from` where everything up to the end of `data` is the beginning,
   * but not the whole, of a pattern; the length of `data` when there is none.
   */
  unfinished(data: Uint8Array, from: number): number {
    const end = data.length;
    for (let at = Math.max(from, end - this.longest + 1); at < end; at++) {
      const candidates = this.#byFirst[data[at]!];
      if (candidates === undefined) continue;
      const rest = end - at;
      for (const pattern of candidates) {
        if (pattern.length > rest && this.#equal(data, at, pattern, rest)) return at;
      }
    }
    return end;
  }

  /** The first `length` bytes of `pattern` stand in `data` at `start`. */
  #equal(data: Uint8Array, start: number, pattern: Uint8Array, length: number): boolean {
    const fold = this.#fold;
    const byHand = this.#ignoreCase ? length : Math.min(length, COMPARED_BY_HAND);
    for (let i = 0; i < byHand; i++) {
      if (fold[data[start + i]!] !== pattern[i]) return false;
    }
    return byHand === length ||
      compareRanges.call(pattern, data, start + byHand, start + length, byHand, length) === 0;
  }

  #add(pattern: Uint8Array): void {
    for (const first of this.#variants(pattern[0]!)) (this.#byFirst[first] ??= []).push(pattern);
    const window = this.#window;
    for (let last = window === 1 ? 0 : 1; last < window; last++) {
      const before = last === 0 ? ANY_BYTE : this.#variants(pattern[last - 1]!);
      const distance = window - 1 - last;
      for (const a of before) {
        for (const b of this.#variants(pattern[last]!)) {
          const hash = ((a << 5) ^ b) & HASH_MASK;
          this.#shift[hash] = Math.min(this.#shift[hash]!, distance);
          if (distance === 0) this.#addCandidate(hash, pattern);
        }
      }
    }
  }

  #addCandidate(hash: number, pattern: Uint8Array): void {
    const candidates = this.#candidates.get(hash);
    if (candidates === undefined) this.#candidates.set(hash, [pattern]);
    else if (!candidates.includes(pattern)) candidates.push(pattern);
  }

  /** The bytes of `data` that match `folded`. */
  #variants(folded: number): number[] {
    const upper = folded - 0x20;
    return upper >= 0 && this.#fold[upper] === folded ? [folded, upper] : [folded];
  }
}

const ANY_BYTE: readonly number[] = [...new Uint8Array(256).keys()];

const AS_IT_IS = Uint8Array.from(ANY_BYTE);
const LOWER_CASE = AS_IT_IS.map((byte) => byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

function distinct(patterns: readonly Uint8Array[]): Uint8Array[] {
  const byText = new Map(
    patterns.map((pattern) => [Buffer.from(pattern).toString("latin1"), pattern]),
  );
  byText.delete("");
  return [...byText.values()];
}
