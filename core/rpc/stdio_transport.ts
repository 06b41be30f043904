/** The other end of a child transport: this process's standard input and output. */

import { StreamTransport } from "./stream_transport.ts";

/** What else this process prints to its standard output would be taken for messages. */
export function stdioTransport(options: { maxLineBytes: number }): StreamTransport {
  return new StreamTransport({
    ...options,
    input: Bun.stdin.stream(),
    output: Bun.stdout.writer(),
  });
}
