/**
 * From arguments to an exit code: 0 for success, and 1 for a failure or a command line that cannot be
 * understood, as with GitLab Runner; read-logs and jobs' scripts have codes of their own. What job
 * scripts call on every stage gets by without the parser and its weight.
 */

import { buildInfo } from "../version.ts";
import { commandTable } from "./commands.ts";
import { GLOBAL_FLAGS } from "./global_flags.ts";
import { normalizeArguments } from "./normalize.ts";
import type { Program } from "./program.ts";
import { versionText } from "./version_text.ts";

/** `argv` is what follows the program's name. Resolves with the exit code. */
export async function runCli(argv: readonly string[], program: Program): Promise<number> {
  const { args, suspicious } = normalizeArguments(argv, GLOBAL_FLAGS);
  const at = args.findIndex((arg) => !arg.startsWith("--") || !arg.includes("="));
  const word = args[at];
  if (word === "--version" || word === "-v" || word === "-version") {
    program.stdout.write(versionText(buildInfo));
    return 0;
  }
  const entry = commandTable(program).find(({ name }) => name === word);
  if (entry?.helper !== undefined) {
    const { runHelperCommand } = await import("./run_helper.ts");
    const own = argv[0] === word ? argv.slice(1) : args.slice(at + 1);
    return await runHelperCommand(await entry.helper(), own, program);
  }
  if (entry?.raw !== undefined) return await (await entry.raw())(args.slice(at + 1), program);
  if (entry?.load !== undefined) {
    const { runCommand } = await import("./run_command.ts");
    const rest = [...args.slice(0, at), ...args.slice(at + 1)];
    return await runCommand(entry, await entry.load(rest), {
      args: rest,
      suspicious,
      program,
    });
  }
  const { runRoot } = await import("./run_root.ts");
  return await runRoot(at < 0 ? [] : args.slice(at), program);
}
