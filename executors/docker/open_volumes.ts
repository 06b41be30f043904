/** Lets all users of a job's containers write in its volumes, which engines make for root alone. */

import { posix } from "node:path";
import { encodeTarHeader, TAR_BLOCK } from "../../core/archive/tar_header.ts";
import { messageOf } from "../../core/errors.ts";
import type { JobLog } from "../../core/executor.ts";
import { type Engine, EngineError } from "./engine/mod.ts";

/** What of an engine this needs. */
export type FileEngine = Pick<Engine, "permissions" | "ownerOf" | "putArchive">;

const ALL_MAY_WRITE = 0o777;

/** As GitLab Runner's `cache-init`, but without a container of its own. */
export class VolumeOpener {
  readonly #engine: FileEngine;
  readonly #paths: readonly string[];
  readonly #log: JobLog;
  #opened: Promise<void> | undefined;

  /** `paths`: where containers have the volumes. */
  constructor(options: { engine: FileEngine; paths: readonly string[]; log: JobLog }) {
    this.#engine = options.engine;
    this.#paths = options.paths;
    this.#log = options.log;
  }

  /**
   * Once for all containers of a job; `container` need not run. A volume that cannot be opened is
   * named in a warning: its owner can use it all the same.
   */
  open(container: string, { signal }: { signal: AbortSignal }): Promise<void> {
    return this.#opened ??= this.#openAll(container, signal);
  }

  async #openAll(container: string, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#paths.map(async (path) => {
      try {
        await this.#openOne(container, path, signal);
      } catch (error) {
        // A file system in memory may lie over it.
        const isCovered = error instanceof EngineError && error.kind === "not-found";
        if (signal.aborted || isCovered) return;
        this.#log.warning(`Cannot let all users write in "${path}": ${messageOf(error)}`);
      }
    }));
  }

  async #openOne(container: string, path: string, signal: AbortSignal): Promise<void> {
    const engine = this.#engine;
    if (await engine.permissions(container, path, { signal }) === ALL_MAY_WRITE) return;
    const owner = await engine.ownerOf(container, path, { signal });
    const { dir, base } = posix.parse(posix.normalize(path));
    const entry = {
      kind: "directory",
      path: base,
      mode: ALL_MAY_WRITE,
      mtimeMs: 1000 * Math.floor(Date.now() / 1000),
    } as const;
    const tar = async function* () {
      yield encodeTarHeader({ ...entry, ...owner });
      yield new Uint8Array(2 * TAR_BLOCK);
    };
    await engine.putArchive(container, dir, tar(), { signal });
  }
}
