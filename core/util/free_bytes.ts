/** Memory that is given back at once. */

/** Below this, asking costs more than the memory is worth. */
const LEAST_BYTES = 4096;

/** What stands around the bytes that came in a packet of their own. */
const MOST_AROUND = 512;

/**
 * Gives back the memory of bytes that nobody uses any more, which are then gone. The collector counts
 * little of what comes over a network, and finds it late: without this, memory grows with what comes.
 * Bytes that share their memory with others are left alone.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer, length } = bytes;
  if (length < LEAST_BYTES || buffer.byteLength - length > MOST_AROUND) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
