/** Whether a script was begun at all: an image's entrypoint may end without having read it. */

import { randomBytes } from "node:crypto";
import type { ExecutorIO, OutputSink, OutputStream } from "../../core/executor.ts";
import type { ProcessEnd } from "./engine/mod.ts";

/**
 * Runs a script by way of an image's entrypoint, and warns of one that has not begun it. Its end is
 * the job's in any case: GitLab documents images whose entrypoint does a job's work by itself.
 */
export async function runMarked(
  script: string,
  run: (script: string, output: OutputSink) => Promise<ProcessEnd>,
  { io, image, signal }: { io: ExecutorIO; image: string; signal: AbortSignal },
): Promise<ProcessEnd> {
  const mark = new StartMark(io.output);
  const warning =
    `The entrypoint of image ${image} has not run the job's script. Where it is to, ` +
    'it has to end with exec "$@", or "entrypoint: [""]" in the job\'s image takes it away';
  try {
    const end = await run(mark.before(script), mark);
    if (!mark.isSeen) io.log.warning(warning);
    return end;
  } catch (error) {
    if (!mark.isSeen && signal.aborted) io.log.warning(warning);
    throw error;
  } finally {
    await mark.end();
  }
}

/** The script says so in its output, whose streams an entrypoint may have turned. It is taken out here. */
export class StartMark implements OutputSink {
  readonly #output: OutputSink;
  readonly #mark = Buffer.from(`\x1e${randomBytes(8).toString("hex")}\x1e`);
  /** By stream: the end of what has come, as far as it may be the mark's beginning. */
  readonly #held = new Map<OutputStream | undefined, Uint8Array>();
  #isSeen = false;

  constructor(output: OutputSink) {
    this.#output = output;
  }

  get isSeen(): boolean {
    return this.#isSeen;
  }

  /** The script with the mark in front, in any POSIX shell. */
  before(script: string): string {
    return `printf '%s' '${this.#mark.toString()}'\n${script}`;
  }

  write(bytes: Uint8Array, stream?: OutputStream): Promise<void> | undefined {
    const before = this.#held.get(stream) ?? NONE;
    if (this.#isSeen && before.length === 0) return this.#output.write(bytes, stream);
    const all = Buffer.concat([before, bytes]);
    if (this.#isSeen) {
      this.#held.delete(stream);
      return this.#output.write(all, stream);
    }
    const at = all.indexOf(this.#mark);
    this.#isSeen = at >= 0;
    const [rest, held] = at < 0
      ? split(all, all.length - overlap(all, this.#mark))
      : [Buffer.concat([all.subarray(0, at), all.subarray(at + this.#mark.length)]), NONE];
    this.#held.set(stream, held);
    return rest.length === 0 ? undefined : this.#output.write(rest, stream);
  }

  /** Hands on what was held back. */
  async end(): Promise<void> {
    for (const [stream, held] of this.#held) {
      if (held.length > 0) await this.#output.write(held, stream);
    }
    this.#held.clear();
  }
}

const NONE = new Uint8Array(0);

function split(bytes: Uint8Array, at: number): readonly [Uint8Array, Uint8Array] {
  return [bytes.subarray(0, at), bytes.slice(at)];
}

/** How many bytes at the end of `bytes` are a beginning of `mark`. */
function overlap(bytes: Uint8Array, mark: Uint8Array): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length--) {
    if (Buffer.compare(bytes.subarray(-length), mark.subarray(0, length)) === 0) return length;
  }
  return 0;
}
