/** `lint`: everything that is wrong with a config.toml, before a runner has to find out. */

import { loadConfig } from "../../config/load.ts";
import { messageOf } from "../../errors.ts";
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
    const unknown = config.runners.flatMap(({ name, executor }) =>
      executors.find(executor) === undefined
        ? [
          `Runner "${name}" has the unknown executor "${executor}"; this build has ` +
          executors.names.join(", "),
        ]
        : []
    );
    return [...warnings, ...unknown];
  } catch (error) {
    return messageOf(error).split("\n");
  }
}
