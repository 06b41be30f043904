/** Streams through a decompressor. */

import { Readable, type Transform } from "node:stream";

/** Output of `decoder` for `input`; the failure of either ends the iteration with its error. */
export async function* decoded(
  input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  decoder: Transform,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(input, { objectMode: true, highWaterMark: 2 });
  source.once("error", (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    for await (const chunk of decoder) yield chunk;
  } finally {
    source.destroy();
    decoder.destroy();
  }
}
