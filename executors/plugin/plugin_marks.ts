/** Marks of the plugins that this manager has started, kept for the manager after it. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../core/errors.ts";
import { PLUGIN_MARK } from "../../core/plugin/protocol.ts";
import { killTree } from "../../core/util/process_tree.ts";

const MARK = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class PluginMarks {
  /** What carries one of them is no dead manager's. */
  readonly #own = new Set<string>();
  #orphans: Promise<void> | undefined;

  /** A mark that a plugin may be started with; it is on disk. `stateDir` is held by this process alone. */
  create(stateDir: string): string {
    const mark = crypto.randomUUID();
    this.#own.add(mark);
    const directory = directoryOf(stateDir);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, mark), "", { mode: 0o600 });
    return mark;
  }

  /** The plugin has ended, with all that it had started. */
  forget(mark: string, stateDir: string): void {
    rmSync(join(directoryOf(stateDir), mark), { force: true });
  }

  /** Ends everything that a dead manager's plugin has left; nothing of a plugin of ours. */
  async end(mark: unknown): Promise<boolean> {
    if (typeof mark !== "string" || !MARK.test(mark) || this.#own.has(mark)) return false;
    await killTree(`${PLUGIN_MARK}=${mark}`);
    return true;
  }

  /** Ends what dead managers have left behind with no job that tells of it. Done once. */
  endOrphans(stateDir: string): Promise<void> {
    return this.#orphans ??= this.#endOrphans(stateDir);
  }

  async #endOrphans(stateDir: string): Promise<void> {
    for (const mark of namesIn(directoryOf(stateDir))) {
      if (await this.end(mark)) this.forget(mark, stateDir);
    }
  }
}

function directoryOf(stateDir: string): string {
  return join(stateDir, "plugins", ".marks");
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
