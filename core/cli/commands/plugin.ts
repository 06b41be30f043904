/** `plugin`: executor plugins from the command line; with the name of a built-in one, that plugin. */

import type { Program } from "../program.ts";
import { USAGE } from "../usage.ts";

/** Resolves with the exit code. */
export async function pluginCommand(words: readonly string[], program: Program): Promise<number> {
  const [word = "--help"] = words;
  const serve = program.plugins[word];
  if (serve !== undefined) {
    await serve();
    return 0;
  }
  if (word === "--help" || word === "-h") {
    program.stdout.write(help(program));
    return 0;
  }
  program.stderr.write(`${program.calledAs}: There is no plugin "${word}" in this executable\n`);
  return USAGE;
}

function help(program: Program): string {
  const { calledAs, plugins } = program;
  return `Usage: ${calledAs} plugin <name>

Serves an executor over standard input and output, as ${calledAs} starts it for its own use:
${Object.keys(plugins).join(", ")}. plugins/PROTOCOL.md describes what is spoken there.
`;
}
