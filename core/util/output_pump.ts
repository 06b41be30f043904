/** Moves a process's output to where it is wanted, no faster than that takes it. */

/** Takes bytes; awaiting the result, when there is one, is the backpressure. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void> | undefined;

/**
 * When all known writers are dead, what is left in the pipe comes at once. A pipe that stays open
 * for longer is held by a process that is none of ours.
 */
const SILENCE_LIMIT_MS = 250;
/** More than any pipe holds: who still writes after that is none of ours either. */
const REST_LIMIT_BYTES = 4 * 1024 * 1024;

/** The part of a stream's reader that is used here, the same in all typings. */
interface ByteReader {
  read(): Promise<{ readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** Reads one stream to its end. */
export class OutputPump {
  readonly #reader: ByteReader;
  readonly #write: WriteBytes;
  #reading = false;
  #writersAreDead = false;
  #restBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Settles when the last byte has been taken; rejects when `write` fails. */
  readonly done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>, write: WriteBytes) {
    this.#reader = stream.getReader();
    this.#write = write;
    this.done = this.#run();
  }

  /** Takes what the dead writers left behind, and does not wait for anybody else. */
  async drain(): Promise<void> {
    this.#writersAreDead = true;
    if (this.#reading) this.#arm();
    await this.done;
  }

  async #run(): Promise<void> {
    try {
      for (let bytes = await this.#read(); bytes !== undefined; bytes = await this.#read()) {
        await this.#write(bytes);
      }
    } finally {
      await this.#reader.cancel();
    }
  }

  async #read(): Promise<Uint8Array | undefined> {
    this.#reading = true;
    if (this.#writersAreDead) this.#arm();
    const { value } = await this.#reader.read();
    this.#reading = false;
    clearTimeout(this.#timer);
    if (this.#writersAreDead) this.#restBytes += value?.length ?? 0;
    return this.#restBytes > REST_LIMIT_BYTES ? undefined : value;
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#reader.cancel(), SILENCE_LIMIT_MS);
  }
}
