/** What a container prints, whole also where its engine cuts off who is attached to it. */

import { messageOf } from "../../core/errors.ts";
import type { OutputSink, OutputStream } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import type { Engine } from "./engine/mod.ts";

/**
 * Podman prints this into the output of a container that ends without having read all of its input,
 * in place of what was still to come.
 */
const CUT = /^Error: (?:read|write) unixpacket @->\/proc\/self\/fd\//;

/** The engine's log has it all: of every start of a container, one after another. */
export class ContainerOutput {
  readonly #logger: Logger;
  /** Bytes of the log that were handed on, of all starts. */
  readonly #taken = { stdout: 0, stderr: 0 };
  #isCut = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** For who is attached: hands on to `sink` what the container itself prints. */
  to(sink: OutputSink): OutputSink {
    return {
      write: (bytes, given) => {
        const stream = logged(given);
        if (stream === "stderr" && CUT.test(Buffer.from(bytes.subarray(0, 64)).toString())) {
          this.#isCut = true;
          return undefined;
        }
        this.#taken[stream] += bytes.length;
        return sink.write(bytes, stream);
      },
    };
  }

  /** The connection has ended before the output did. */
  noteCut(): void {
    this.#isCut = true;
  }

  /** Hands on what is missing of a container that has ended. Rejects only when `signal` aborts. */
  async complete(
    id: string,
    sink: OutputSink,
    { engine, signal }: { engine: Pick<Engine, "containerLogs">; signal: AbortSignal },
  ): Promise<void> {
    if (!this.#isCut) return;
    this.#isCut = false;
    const left = { ...this.#taken };
    const write: OutputSink["write"] = (bytes, given) => {
      const stream = logged(given);
      const rest = bytes.subarray(left[stream]);
      left[stream] -= bytes.length - rest.length;
      this.#taken[stream] += rest.length;
      return rest.length === 0 ? undefined : sink.write(rest, stream);
    };
    try {
      await engine.containerLogs(id, { output: { write }, follow: false, signal });
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.warning("Cannot read what a container printed at its end", {
        container: id,
        error: messageOf(error),
      });
    }
  }
}

function logged(stream: OutputStream | undefined): "stdout" | "stderr" {
  return stream === "stderr" ? stream : "stdout";
}
