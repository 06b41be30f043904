/** Which program serves an executor that is not built in. */

import { delimiter, dirname, join } from "node:path";
import type { RunnerConfig } from "../../core/config/schema.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { PluginCommand } from "./provider.ts";

/** `runner-executor-sandbox` serves the executor `sandbox`. */
export const PROGRAM_PREFIX = "runner-executor-";

/** What can be part of a program's name; anything else would be a path. */
const EXECUTOR_NAME = /^[A-Za-z0-9][\w.+-]*$/;

export function isExecutorName(name: string): boolean {
  return EXECUTOR_NAME.test(name);
}

/** Where plugins are looked for: PATH of the manager, then the directory beside its `executable`. */
export function pluginPath(
  { env, executable }: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly executable: string;
  },
): string {
  const path = env["PATH"] ?? "";
  return [...(path === "" ? [] : [path]), join(dirname(executable), "plugins")].join(delimiter);
}

/** Throws ConfigurationError that says where a plugin was looked for. `builtIn` are other names. */
export function findPlugin(
  config: RunnerConfig,
  options: { path: string; builtIn: readonly string[] },
): PluginCommand {
  const { executor, plugin, name } = config;
  const environment = plugin?.environment ?? [];
  const settings = plugin?.config ?? {};
  if (plugin !== undefined && plugin.command.length > 0) {
    return { argv: plugin.command, environment, config: settings };
  }
  const program = `${PROGRAM_PREFIX}${executor}`;
  const found = Bun.which(program, { PATH: options.path });
  if (found !== null) return { argv: [found], environment, config: settings };
  throw new ConfigurationError(
    `Runner "${name}" has the unknown executor "${executor}": this build has ` +
      `${options.builtIn.join(", ")}, there is no "command" in [runners.plugin], ` +
      `and no program "${program}" in PATH or in "${options.path.split(delimiter).at(-1)}"`,
  );
}
