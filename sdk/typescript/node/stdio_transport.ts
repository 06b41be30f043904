/** Of a plugin in Node: takes the place of core/rpc/stdio_transport.ts. */

import { once } from "node:events";
import { type ByteSink, StreamTransport } from "../../../core/rpc/stream_transport.ts";

/** What else this process prints to its standard output would be taken for messages. */
export function stdioTransport(options: { maxLineBytes: number }): StreamTransport {
  return new StreamTransport({ ...options, input: process.stdin, output: standardOutput() });
}

function standardOutput(): ByteSink {
  const { stdout } = process;
  let isFull = false;
  // A host that is gone shows as the end of the input.
  stdout.on("error", () => {});
  return {
    write(bytes) {
      isFull = !stdout.write(bytes);
    },
    async flush() {
      if (isFull && !stdout.destroyed) {
        await Promise.race([once(stdout, "drain"), once(stdout, "close")]);
      }
      return 0;
    },
    end() {
      stdout.end();
    },
  };
}
