/** Bytes that the maskers share. */

/** What stands in the trace for a secret. */
export const MASKED: Uint8Array = Buffer.from("[MASKED]");

export const NOTHING: Uint8Array = new Uint8Array(0);

/** Both in a row; no copy when the first is empty. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  return first.length === 0 ? second : Buffer.concat([first, second]);
}

/** A copy of what follows `start`; the `slice` of a Buffer would be a view. */
export function copyFrom(bytes: Uint8Array, start: number): Uint8Array {
  return start === bytes.length ? NOTHING : new Uint8Array(bytes.subarray(start));
}
