/**
 * FF_TIMESTAMPS: every line of the trace begins with its time and stream, as
 * `2026-11-23T19:51:48.491609Z 01O text`. A `+` instead of the space before the text says that the
 * line goes on with the one before it on the same stream.
 */

/** `00`: the runner itself, `01`: the job, `0f`: its services; `O`: standard output, `E`: error. */
export type StreamTag = "00O" | "01O" | "01E" | "0fO";

/** Takes `bytes[start, end)`, which may be reused as soon as the call has returned. */
export type EmitRange = (bytes: Uint8Array, start: number, end: number) => void;

/** Longer lines are split; the rest goes on behind a `+`. */
const LONGEST_LINE = 8 * 1024;

const HEAD_BYTES = 32;
const FLAG_AT = HEAD_BYTES - 1;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const PLUS = 0x2b;
const LINE_FEED = Uint8Array.of(LF);

/** Cuts one stream into stamped lines. A line's time is when its first byte came. */
export class TimestampedLines {
  readonly #emit: EmitRange;
  readonly #now: () => number;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #second = Number.NaN;
  /** Time of the line that is about to begin, read once per write. */
  #stampedAt = Number.NaN;
  #line: Uint8Array | undefined;
  #fill = 0;

  /** `now` is milliseconds since 1970, with fractions. */
  constructor(tag: StreamTag, emit: EmitRange, now: () => number) {
    this.#emit = emit;
    this.#now = now;
    this.#head.set(Buffer.from(`0000-00-00T00:00:00.000000Z ${tag} `));
  }

  /** Takes a part of a write. Whole lines are emitted, the last unfinished one is kept. */
  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const lineFeed = bytes.indexOf(LF, at);
      const end = lineFeed < 0 ? bytes.length : lineFeed;
      at = this.#takeText(bytes, at, end);
      if (lineFeed < 0) return;
      this.#endLine(bytes, at, end);
      at = end + 1;
    }
  }

  /** Ends a write: a line with a carriage return (a progress bar, a section marker) goes out now. */
  endWrite(): void {
    this.#stampedAt = Number.NaN;
    if (this.#fill === 0 || !this.#line?.subarray(0, this.#fill).includes(CR)) return;
    this.#emitKept();
    this.#head[FLAG_AT] = PLUS;
  }

  /** Emits an unfinished line and begins afresh: what comes next does not belong to it. */
  flush(): void {
    if (this.#fill > 0) this.#emitKept();
    this.#stampedAt = Number.NaN;
    this.#head[FLAG_AT] = SPACE;
  }

  /**
   * Emits the full 8 KiB parts of `bytes[start, end)`, and keeps the rest when a line is unfinished
   * before or after it. Returns where the text that is still to be emitted with its line begins.
   */
  #takeText(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.#fill + (end - at) > LONGEST_LINE) {
      const cut = at + LONGEST_LINE - this.#fill;
      this.#endLine(bytes, at, cut);
      this.#head[FLAG_AT] = PLUS;
      at = cut;
    }
    if (end < bytes.length) return at;
    if (this.#fill === 0) this.#stamp();
    this.#line ??= new Uint8Array(LONGEST_LINE);
    this.#line.set(bytes.subarray(at, end), this.#fill);
    this.#fill += end - at;
    return end;
  }

  #endLine(bytes: Uint8Array, start: number, end: number): void {
    if (this.#fill > 0) {
      this.#emit(this.#head, 0, HEAD_BYTES);
      this.#emit(this.#line!, 0, this.#fill);
      this.#fill = 0;
    } else {
      this.#stamp();
      this.#emit(this.#head, 0, HEAD_BYTES);
    }
    if (end > start) this.#emit(bytes, start, end);
    this.#emit(LINE_FEED, 0, 1);
    this.#head[FLAG_AT] = SPACE;
  }

  #emitKept(): void {
    this.#endLine(LINE_FEED, 0, 0);
  }

  /** Writes the time into the head; the calendar part only when the second has changed. */
  #stamp(): void {
    if (Number.isNaN(this.#stampedAt)) this.#stampedAt = this.#now();
    else return;
    const micros = Math.floor(this.#stampedAt * 1000);
    const second = Math.floor(micros / 1e6);
    const head = this.#head;
    if (second !== this.#second) {
      this.#second = second;
      const text = new Date(second * 1000).toISOString();
      for (let i = 0; i < 19; i++) head[i] = text.charCodeAt(i);
    }
    let rest = micros - second * 1e6;
    for (let i = 25; i >= 20; i--) {
      head[i] = 0x30 + rest % 10;
      rest = Math.floor(rest / 10);
    }
  }
}

/** How far the two clocks may part before the calendar clock, which gets set, wins. */
const TOLERANCE_MS = 2;

/** Milliseconds since 1970 with microseconds, which only go backwards when the clock is set back. */
export function preciseClock(): () => number {
  let offset = performance.timeOrigin;
  return () => {
    const precise = offset + performance.now();
    const coarse = Date.now();
    if (Math.abs(precise - coarse) <= TOLERANCE_MS) return precise;
    offset += coarse - precise;
    return coarse;
  };
}
