/** Output of containers and execs on its way to a sink, and the connection that carries it. */

import type { OutputSink } from "../../../core/executor.ts";
import type { Connection } from "./connection.ts";
import type { AttachedStreams } from "./engine.ts";
import { EngineError } from "./engine_error.ts";
import { readToEnd } from "./http_message.ts";
import { StreamDemultiplexer } from "./stream_demultiplexer.ts";

/** How output is framed: a terminal's is raw, else both streams come in frames. */
export type Framing = "raw" | "frames";

/** Hands all of `bytes` to the sink, waiting for it. Throws EngineError when it was cut off. */
export async function pump(
  bytes: AsyncIterable<Uint8Array>,
  sink: OutputSink,
  framing: Framing,
): Promise<void> {
  if (framing === "raw") {
    for await (const chunk of bytes) await sink.write(chunk, "stdout");
    return;
  }
  const demultiplexer = new StreamDemultiplexer(sink);
  for await (const chunk of bytes) await demultiplexer.write(chunk);
  if (!demultiplexer.isComplete) {
    throw new EngineError("unreachable", "The Docker Engine's output was cut off");
  }
}

/** Takes over `connection`: output flows from now on. Disposing it returns when the sink is idle. */
export function attachStreams(
  connection: Connection,
  sink: OutputSink,
  framing: Framing,
): AttachedStreams {
  const ended = pumpToEnd(connection, sink, framing);
  // A caller that only disposes never looks at it.
  ended.catch(() => {});
  return {
    write: (bytes) => connection.send(bytes),
    closeInput: () => connection.endInput(),
    ended,
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
      await ended.catch(() => {});
    },
  };
}

async function pumpToEnd(
  connection: Connection,
  sink: OutputSink,
  framing: Framing,
): Promise<void> {
  using _ = connection;
  await pump(readToEnd(connection), sink, framing);
}
