/** Two helpers for streams of work: run ahead in order, and put small chunks together. */

/**
 * Calls `start` for the items ahead of the one being consumed, at most `ahead` of them at a time,
 * and yields the results in the items' order. Stops starting when the consumer stops.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T>,
  ahead: number,
  start: (item: T) => Promise<R> | R,
): AsyncGenerator<R> {
  const queue: (Promise<R> | R)[] = [];
  for (const item of items) {
    const result = start(item);
    // Awaited in its turn below; a failure before that must not count as unhandled.
    if (result instanceof Promise) result.catch(() => {});
    queue.push(result);
    if (queue.length > ahead) yield await queue.shift()!;
  }
  for (const result of queue) yield await result;
}

/** Joins chunks until `size` bytes are there; the last chunk may be shorter. */
export async function* coalesce(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of source) {
    parts.push(chunk);
    held += chunk.length;
    if (held < size) continue;
    yield parts.length === 1 ? chunk : Buffer.concat(parts, held);
    parts = [];
    held = 0;
  }
  if (held > 0) yield Buffer.concat(parts, held);
}
