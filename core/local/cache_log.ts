/** What a job's trace tells of its caches: which were extracted and created, and which were not. */

import { statSync } from "node:fs";
import type { UntimedEvent } from "./events.ts";

type CacheEvent = Omit<Extract<UntimedEvent, { type: "cache" }>, "job" | "stage" | "pipeline">;

/** Fed with the runner's lines of `restore_cache` and `archive_cache`; answers when one has ended. */
export class CacheLog {
  readonly #archiveOf: (key: string) => string | undefined;
  #key: string | undefined;
  #action: "extract" | "create" = "extract";
  #files: number | null = null;
  #message = "";

  /** `archiveOf` names the archive of a key, where this machine's files can be seen. */
  constructor(archiveOf: (key: string) => string | undefined) {
    this.#archiveOf = archiveOf;
  }

  /** The caches whose outcome this line tells. */
  take(line: string): CacheEvent | undefined {
    const begun = /^(Checking cache for|Creating cache) (.+)\.\.\.$/.exec(line);
    if (begun !== null) {
      this.#key = begun[2];
      this.#action = begun[1] === "Checking cache for" ? "extract" : "create";
      this.#files = null;
      this.#message = "";
      return undefined;
    }
    if (this.#key === undefined) return undefined;
    const found = /found (\d+) matching artifact files/.exec(line)?.[1];
    if (found !== undefined) this.#files = (this.#files ?? 0) + Number(found);
    switch (line) {
      case "Successfully extracted cache":
      case "Created cache":
        return this.#end(this.#action, line);
      case "Failed to extract cache":
      case "Failed to create cache":
        return this.#end("skip", this.#message || line);
    }
    if (/^(?:WARNING|ERROR): /.test(line) || /up-to-date/.test(line)) {
      this.#message = line.replace(/^(?:WARNING|ERROR): /, "");
    }
    return undefined;
  }

  #end(action: CacheEvent["action"], message: string): CacheEvent {
    const key = this.#key ?? "";
    this.#key = undefined;
    const path = this.#archiveOf(key);
    const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    return {
      type: "cache",
      action,
      key,
      path: found === undefined || path === undefined ? null : path,
      files: this.#files,
      bytes: found?.size ?? null,
      message,
    };
  }
}
