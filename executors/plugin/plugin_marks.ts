/** Marks of the plugins that this manager has started, kept for the manager after it. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runnerConfig } from "../../core/config/entry.ts";
import type { RunnerConfig } from "../../core/config/schema.ts";
import { codeOf } from "../../core/errors.ts";
import { PLUGIN_MARK } from "../../core/plugin/protocol.ts";
import { killTree } from "../../core/util/process_tree.ts";

const MARK = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** One for all plugins of a process: what carries one of its marks is no dead manager's. */
export class PluginMarks {
  readonly #own = new Set<string>();

  /**
   * A mark that a plugin may be started with; it is on disk, with the keys of the runner entry that
   * would start another one. `stateDir` is held by this process alone.
   */
  create(stateDir: string, entry: Readonly<Record<string, unknown>>): string {
    const mark = crypto.randomUUID();
    this.#own.add(mark);
    const directory = directoryOf(stateDir);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, mark), JSON.stringify(entry), { mode: 0o600 });
    return mark;
  }

  /** The plugin has ended, with all that it had started. */
  forget(mark: string, stateDir: string): void {
    rmSync(join(directoryOf(stateDir), mark), { force: true });
  }

  /** What the plugin was started for; undefined when that is not known any more. */
  entryOf(mark: unknown, stateDir: string): RunnerConfig | undefined {
    if (!isMark(mark)) return undefined;
    try {
      const text = readFileSync(join(directoryOf(stateDir), mark), "utf8");
      return runnerConfig(JSON.parse(text));
    } catch {
      // Another version of this program may have written it.
      return undefined;
    }
  }

  /** Ends everything that a dead manager's plugin has left; nothing of a plugin of ours. */
  async end(mark: unknown): Promise<boolean> {
    if (!isMark(mark) || this.#own.has(mark)) return false;
    await killTree(`${PLUGIN_MARK}=${mark}`);
    return true;
  }

  /** Ends what dead managers have left behind with no job that tells of it. */
  async endOrphans(stateDir: string): Promise<void> {
    for (const mark of namesIn(directoryOf(stateDir))) {
      if (await this.end(mark)) this.forget(mark, stateDir);
    }
  }
}

function isMark(mark: unknown): mark is string {
  return typeof mark === "string" && MARK.test(mark);
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
