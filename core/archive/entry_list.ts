/** Very many entries in little memory: what is no text lies in one array of numbers. */

import type { ArchiveEntry } from "./entry.ts";

/** Entries that are looked at one after the other; an array of them is one, too. */
export interface Entries extends Iterable<ArchiveEntry> {
  readonly length: number;
}

/** Numbers of each: mode, owner, group, time, and size or what has none. */
const WIDTH = 5;
const DIRECTORY = -1;
const SYMLINK = -2;

export class EntryList implements Entries {
  readonly #paths: string[] = [];
  readonly #targets = new Map<number, string>();
  #numbers = new Float64Array(WIDTH * 256);
  #order: Uint32Array | undefined;

  get length(): number {
    return this.#paths.length;
  }

  /** Returns its place, for `at`. */
  add(entry: ArchiveEntry): number {
    const index = this.#paths.push(entry.path) - 1;
    const at = index * WIDTH;
    if (at === this.#numbers.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    const { mode, uid, gid, mtimeMs } = entry;
    this.#numbers.set([mode, uid, gid, mtimeMs, sizeOf(entry)], at);
    if (entry.kind === "symlink") this.#targets.set(index, entry.target);
    return index;
  }

  at(index: number): ArchiveEntry {
    const [mode = 0, uid = 0, gid = 0, mtimeMs = 0, size = 0] = this.#numbers
      .subarray(index * WIDTH, (index + 1) * WIDTH);
    const metadata = { path: this.#paths[index]!, mode, mtimeMs, uid, gid };
    if (size === DIRECTORY) return { ...metadata, kind: "directory" };
    if (size !== SYMLINK) return { ...metadata, kind: "file", size };
    return { ...metadata, kind: "symlink", target: this.#targets.get(index) ?? "" };
  }

  /** From now on the iteration goes by path. */
  sort(): void {
    const paths = this.#paths;
    this.#order = Uint32Array.from(paths.keys()).sort((a, b) => paths[a]! < paths[b]! ? -1 : 1);
  }

  *[Symbol.iterator](): Generator<ArchiveEntry> {
    for (const index of this.#order ?? this.#paths.keys()) yield this.at(index);
  }
}

function sizeOf(entry: ArchiveEntry): number {
  if (entry.kind === "file") return entry.size;
  return entry.kind === "directory" ? DIRECTORY : SYMLINK;
}
