/** Writes tar archives compressed with zstd, one independent frame per few megabytes. */

import { join } from "node:path";
import type { TarPart } from "./compress_task.ts";
import { type ArchiveEntry, readEntry } from "./entry.ts";
import type { Entries } from "./entry_list.ts";
import { messageOf } from "../errors.ts";
import type { LevelSettings } from "./level.ts";
import { mapAhead } from "./pipeline.ts";
import { encodeTarHeader, TAR_BLOCK, tarPadding } from "./tar_header.ts";
import type { Workers } from "./workers.ts";

export interface TarOptions {
  readonly root: string;
  readonly entries: Entries;
  readonly level: LevelSettings;
  readonly workers: Workers;
  /** Told of a file that is gone or unreadable; the archive then lacks it. */
  readonly onProblem: (path: string, problem: string) => void;
}

/** Bytes per frame: each is compressed on its own, and longer ones gain little. */
const FRAME_SIZE = 4 << 20;

/** The compressed bytes. A file that cannot be read to its end is an error of the whole archive. */
export async function* createTarZstd(options: TarOptions): AsyncGenerator<Uint8Array> {
  const { workers, level } = options;
  const frames = mapAhead(
    planFrames(options),
    2 * workers.width,
    ({ parts, bytes }) => workers.run({ kind: "tar-frame", level: level.zstd, parts, bytes }),
  );
  for await (const { bytes } of frames) yield bytes;
}

/** What goes to another thread: few objects, because each is copied. */
class Frame {
  readonly parts: TarPart[] = [];
  readonly #bytes: Uint8Array[] = [];
  #literal = 0;
  #size = 0;

  get size(): number {
    return this.#size + this.#literal;
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#bytes);
  }

  add(bytes: Uint8Array): void {
    this.#bytes.push(bytes);
    this.#literal += bytes.length;
  }

  addFile(path: string, offset: number, length: number): void {
    this.end();
    this.parts.push({ kind: "file", path, offset, length });
    this.#size += length;
  }

  end(): this {
    if (this.#literal > 0) this.parts.push({ kind: "bytes", length: this.#literal });
    this.#size += this.#literal;
    this.#literal = 0;
    return this;
  }
}

function* planFrames({ root, entries, onProblem }: TarOptions): Generator<Frame> {
  let frame = new Frame();
  for (const entry of entries) {
    const current = currentEntry(root, entry, onProblem);
    if (current === undefined) continue;
    frame.add(encodeTarHeader(current));
    if (current.kind === "file") {
      const path = join(root, current.path);
      for (let offset = 0; offset < current.size; offset += FRAME_SIZE) {
        frame.addFile(path, offset, Math.min(FRAME_SIZE, current.size - offset));
        if (frame.size < FRAME_SIZE) continue;
        yield frame.end();
        frame = new Frame();
      }
      frame.add(tarPadding(current.size));
    }
    if (frame.size < FRAME_SIZE) continue;
    yield frame.end();
    frame = new Frame();
  }
  frame.add(Buffer.alloc(2 * TAR_BLOCK));
  yield frame.end();
}

/** A header cannot be taken back, so the size is asked for again just before it is written. */
function currentEntry(
  root: string,
  entry: ArchiveEntry,
  onProblem: TarOptions["onProblem"],
): ArchiveEntry | undefined {
  try {
    const current = readEntry(root, entry.path);
    if (current === undefined) onProblem(entry.path, "it is gone");
    return current;
  } catch (error) {
    onProblem(entry.path, messageOf(error));
    return undefined;
  }
}
