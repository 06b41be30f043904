/** `plugin`: executor plugins from the command line; with the name of a built-in one, that plugin. */

import type { Program } from "../program.ts";
import { USAGE } from "../usage.ts";

/** Resolves with the exit code. What a plugin is started with is fast; the rest is loaded. */
export async function pluginCommand(words: readonly string[], program: Program): Promise<number> {
  const [word = "--help", ...rest] = words;
  const serve = program.plugins[word];
  if (serve !== undefined) {
    await serve();
    return 0;
  }
  const { lookAtPlugins } = await import("./plugin_tools.ts");
  const code = await lookAtPlugins(word, rest, program);
  if (code !== undefined) return code;
  program.stderr.write(
    `${program.calledAs}: "plugin ${word}" is neither a command nor a plugin of this executable; ` +
      `see "${program.calledAs} plugin --help"\n`,
  );
  return USAGE;
}
