/** Takes apart the stream in which an engine sends standard output and error together. */

import type { OutputSink } from "../../../core/executor.ts";
import { EngineError } from "./engine_error.ts";

/** One byte of stream, three of zero, four of length, big-endian. */
const HEADER_BYTES = 8;

/** Stream 3 carries the engine's own error instead of output. */
const ERROR_STREAM = 3;

/** Takes the stream in pieces of any size and hands the bytes on, uncopied. */
export class StreamDemultiplexer {
  readonly #sink: OutputSink;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerLength = 0;
  #left = 0;
  #errorText = "";

  constructor(sink: OutputSink) {
    this.#sink = sink;
  }

  /** False in the middle of a frame: a stream that ends there was cut off. */
  get isComplete(): boolean {
    return this.#headerLength === 0;
  }

  /** Resolves when the sink has taken all of it. Throws EngineError for what is no such stream. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#headerLength < HEADER_BYTES) {
        at += this.#takeHeader(bytes.subarray(at));
      } else {
        const payload = bytes.subarray(at, at + this.#left);
        at += payload.length;
        this.#left -= payload.length;
        const taken = this.#handOn(payload);
        if (taken !== undefined) await taken;
      }
      if (this.#headerLength === HEADER_BYTES && this.#left === 0) this.#endFrame();
    }
  }

  #takeHeader(bytes: Uint8Array): number {
    const part = bytes.subarray(0, HEADER_BYTES - this.#headerLength);
    this.#header.set(part, this.#headerLength);
    this.#headerLength += part.length;
    if (this.#headerLength === HEADER_BYTES) {
      const [stream = 0, ...zeros] = this.#header.subarray(0, 4);
      if (stream > ERROR_STREAM || zeros.some((byte) => byte !== 0)) {
        throw new EngineError("server", "The Docker Engine's output stream has a broken frame");
      }
      this.#left = new DataView(this.#header.buffer).getUint32(4);
    }
    return part.length;
  }

  #handOn(payload: Uint8Array): Promise<void> | undefined {
    if (this.#header[0] === ERROR_STREAM) {
      this.#errorText += new TextDecoder().decode(payload);
      return undefined;
    }
    return this.#sink.write(payload, this.#header[0] === 2 ? "stderr" : "stdout");
  }

  #endFrame(): void {
    this.#headerLength = 0;
    if (this.#errorText !== "") throw new EngineError("server", this.#errorText.trim());
  }
}
