/** `lint`: everything that is wrong with a config.toml, before a runner has to find out. */

import { loadConfig } from "../../config/load.ts";
import { messageOf } from "../../errors.ts";
import type { RunnerConfig } from "../../config/schema.ts";
import type { ExecutorProvider } from "../../executor.ts";
import type { Registry } from "../../registry.ts";
import type { Command } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";

export const lintCommand: Command = {
  description:
    "Reports syntax errors, wrong types, missing and unknown keys and unknown executors, one per " +
    "line with file, line and key. Exits with 1 when there is any.",
  flags: [CONFIG_FLAG],
  examples: [["lint -c config.toml", "Check a file before it is rolled out"]],
  async run(flags, { program, logger }) {
    const path = configFile(flags, program);
    const findings = await findingsIn(path, program);
    for (const finding of findings) logger.error(finding);
    if (findings.length > 0) return 1;
    logger.info("Configuration is valid", { ConfigFile: path });
    return 0;
  },
};

async function findingsIn(
  path: string,
  program: Parameters<Command["run"]>[1]["program"],
): Promise<readonly string[]> {
  try {
    const { config, warnings } = await loadConfig(path, { env: program.env });
    const executors = await program.executors();
    return [...warnings, ...config.runners.flatMap((runner) => judge(runner, executors))];
  } catch (error) {
    return messageOf(error).split("\n");
  }
}

function judge(runner: RunnerConfig, executors: Registry<ExecutorProvider>): readonly string[] {
  const { name, executor } = runner;
  const provider = executors.find(executor);
  if (provider === undefined) {
    return [
      `Runner "${name}" has the unknown executor "${executor}"; this build has ` +
      executors.names.join(", "),
    ];
  }
  try {
    provider.info(runner);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}
