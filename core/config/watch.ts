/** Noticing that config.toml has changed. */

import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { ConfigurationError, messageOf } from "../errors.ts";
import type { Environment } from "./entry.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";

/** File systems without events (network shares) are looked at this often, as GitLab Runner does. */
const POLL_MS = 3000;

/** Editors write in several steps; the file counts when it has been still for this long. */
const STILL_MS = 100;

export interface ConfigWatch extends Disposable {
  /** Loads now, changed or not; resolves when the callback has been called. */
  reload(): Promise<void>;
}

export interface WatchOptions {
  readonly env: Environment;
  readonly onChange: (loaded: LoadedConfig) => void;
  /** The file is broken or gone; what was loaded before stays in force. */
  readonly onError: (error: ConfigurationError) => void;
  readonly pollMs?: number;
}

/**
 * Calls back for every change of the file at `path` from now on, one callback at a time. Nothing is
 * missed by whoever starts watching first and then loads with `reload`.
 */
export async function watchConfig(path: string, options: WatchOptions): Promise<ConfigWatch> {
  const watcher = new ConfigWatcher(path, options);
  await watcher.start();
  return watcher;
}

class ConfigWatcher implements ConfigWatch {
  readonly #path: string;
  readonly #options: WatchOptions;
  readonly #poll: ReturnType<typeof setInterval>;
  #folders: readonly FSWatcher[] = [];
  #still: ReturnType<typeof setTimeout> | undefined;
  #loading: Promise<void> = Promise.resolve();
  /** What the file looked like when it was last loaded. */
  #seen = "";
  #disposed = false;

  constructor(path: string, options: WatchOptions) {
    this.#path = path;
    this.#options = options;
    // Keeps the process waiting: Bun spins when all that it waits for would let it end.
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? POLL_MS);
  }

  async start(): Promise<void> {
    this.#seen = await appearance(this.#path);
    await this.#watchFolders();
  }

  reload(): Promise<void> {
    this.#loading = this.#loading.catch(() => {}).then(() => this.#load());
    return this.#loading;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#still);
    for (const folder of this.#folders) folder.close();
  }

  /** Folders, not the file: editors replace it. Both ends of a link: either may be replaced. */
  async #watchFolders(): Promise<void> {
    const target = await realpath(this.#path).catch(() => this.#path);
    if (this.#disposed) return;
    for (const folder of this.#folders) folder.close();
    const names = new Set([basename(this.#path), basename(target)]);
    this.#folders = [...new Set([dirname(this.#path), dirname(target)])].flatMap((folder) => {
      try {
        // A mounted volume is replaced by turning a link beside the file, whatever that is called.
        const linked = target !== this.#path;
        return watch(folder, { persistent: false }, (_, name) => {
          if (linked || name === null || names.has(name)) this.#wait();
        }).on("error", () => {});
      } catch {
        // The poll sees what events cannot tell.
        return [];
      }
    });
  }

  /** The poll's turn: a change that no event has told. */
  async #look(): Promise<void> {
    if (await appearance(this.#path) !== this.#seen && this.#still === undefined) this.#wait();
  }

  #wait(): void {
    if (this.#disposed) return;
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.#loadChanged(), STILL_MS);
  }

  async #loadChanged(): Promise<void> {
    this.#still = undefined;
    if (await appearance(this.#path) !== this.#seen) await this.reload();
  }

  /** Loads again when the file was written meanwhile: half a file may well be valid TOML. */
  async #load(): Promise<void> {
    let before: string;
    let answer: () => void;
    do {
      before = await appearance(this.#path);
      answer = await this.#answer();
      if (this.#disposed) return;
    } while (await appearance(this.#path) !== before);
    this.#seen = before;
    await this.#watchFolders();
    if (!this.#disposed) answer();
    await this.#look();
  }

  async #answer(): Promise<() => void> {
    const { env, onChange, onError } = this.#options;
    try {
      const loaded = await loadConfig(this.#path, { env });
      return () => onChange(loaded);
    } catch (cause) {
      const error = cause instanceof ConfigurationError
        ? cause
        : new ConfigurationError(messageOf(cause), { cause });
      return () => onError(error);
    }
  }
}

/** Differs whenever the file has been written or replaced; empty when it is not there. */
async function appearance(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  } catch {
    return "";
  }
}
