/** Contract of what the command line does with plugins that are programs of their own. */

import type { CheckOutcome } from "./check/run_checks.ts";
import type { InitializeResult } from "./protocol.ts";

/** Settings of a runner entry, with the keys of `[[runners]]`. */
export type PluginEntry = Readonly<Record<string, unknown>>;

export interface PluginTools {
  /** The SDK for Python: one file, as text. */
  pythonSdk(): Promise<string>;
  /** Programs in PATH, and in `plugins` beside this executable, that are executors by their name. */
  find(): readonly { readonly name: string; readonly path: string }[];
  /** Starts the plugin and lets it say what it is. Throws RunnerError. */
  inspect(
    argv: readonly string[],
    options: { entry: PluginEntry; signal: AbortSignal },
  ): Promise<InitializeResult>;
  /**
   * Runs every check of the contract that holds for what the plugin announces, and tells of each as
   * it ends. Of a plugin that does not get as far as a prepared job, that is all that is told.
   */
  check(
    argv: readonly string[],
    options: { entry: PluginEntry; only: RegExp | undefined; signal: AbortSignal },
  ): AsyncIterable<CheckOutcome>;
}
