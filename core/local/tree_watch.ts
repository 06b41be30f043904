/** Noticing that something in a working tree has changed. */

import { type FSWatcher, watch } from "node:fs";
import { relative, sep } from "node:path";
import { abortable } from "../util/abort.ts";

/** Editors and checkouts write many files: a change counts when it has been still for this long. */
const STILL_MS = 150;

export class TreeWatch implements Disposable {
  readonly #watcher: FSWatcher;
  /** Relative to the root. */
  readonly #leftOut: readonly string[];
  #still: ReturnType<typeof setTimeout> | undefined;
  #changed = Promise.withResolvers<void>();

  /** Nothing in the directories that are left out is a change. */
  constructor(root: string, { leftOut }: { readonly leftOut: readonly string[] }) {
    // What git itself does is no change of the files.
    this.#leftOut = [".git", ...leftOut.map((path) => relative(root, path))];
    this.#watcher = watch(root, { recursive: true }, (_event, name) => this.#notice(name));
  }

  /** Resolves at the next change since the last call; rejects when `signal` aborts. */
  async change(signal: AbortSignal): Promise<void> {
    await abortable(this.#changed.promise, signal);
    this.#changed = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#still);
    this.#watcher.close();
  }

  #notice(name: string | null): void {
    const isIn = (path: string) => name === path || name?.startsWith(`${path}${sep}`) === true;
    if (this.#leftOut.some(isIn)) return;
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.#changed.resolve(), STILL_MS);
  }
}
