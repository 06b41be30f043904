/** Keeps a job's log below `output_limit`. */

import { limitNotice } from "./lines.ts";

/** Where limited bytes go; `vital` as in {@link ./spool.ts}. */
export type AppendRange = (
  bytes: Uint8Array,
  start: number,
  end: number,
  vital: boolean,
) => void;

/**
 * What the runner itself may still say about a job whose log is full: section markers and above all
 * the job's result, which GitLab Runner drops as well. Users look for it at the end of the log.
 */
const RUNNER_RESERVE_BYTES = 8 * 1024;

/** Passes bytes on until the limit is met, then says so once and drops the job's further output. */
export class OutputLimit {
  readonly #limitBytes: number;
  readonly #append: AppendRange;
  #left: number;
  #reserve = RUNNER_RESERVE_BYTES;
  #full = false;

  constructor(limitBytes: number, append: AppendRange) {
    this.#limitBytes = limitBytes;
    this.#left = limitBytes;
    this.#append = append;
  }

  /** Nothing the job prints gets in any more. */
  get isFull(): boolean {
    return this.#full;
  }

  /** Takes a range of the job's output (`vital` false) or of the runner's own lines. */
  append(bytes: Uint8Array, start: number, end: number, vital: boolean): void {
    const length = end - start;
    if (!this.#full && length <= this.#left) {
      this.#left -= length;
      this.#append(bytes, start, end, vital);
      return;
    }
    if (!this.#full) this.#close(bytes, start, vital ? 0 : this.#left);
    if (!vital || length > this.#reserve) return;
    this.#reserve -= length;
    this.#append(bytes, start, end, vital);
  }

  /** Fills the log up with `room` bytes, less when they end within a character, and says so. */
  #close(bytes: Uint8Array, start: number, room: number): void {
    this.#full = true;
    const cut = characterBorder(bytes, start, start + room);
    if (cut > start) this.#append(bytes, start, cut, false);
    const notice = Buffer.from(limitNotice(this.#limitBytes));
    this.#append(notice, 0, notice.length, true);
  }
}

/** `cut`, or up to three bytes less where that is within a character of UTF-8. */
function characterBorder(bytes: Uint8Array, start: number, cut: number): number {
  for (let at = cut - 1; at >= start && at >= cut - 3; at--) {
    const byte = bytes[at]!;
    if (byte < 0x80) return cut;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return at + length > cut ? at : cut;
  }
  return cut;
}
