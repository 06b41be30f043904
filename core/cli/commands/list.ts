/** `list`: the runners in config.toml, as log lines. */

import { shortToken } from "../../util/token.ts";
import type { Command } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import { configuredRunners } from "../selection.ts";

export const listCommand: Command = {
  description: "Each runner is one log line with its name, executor, token (shortened) and URL.",
  flags: [CONFIG_FLAG],
  examples: [["list", "The runners of this host"]],
  async run(flags, context) {
    const { program, logger } = context;
    const path = configFile(flags, program);
    const runners = await configuredRunners(path, context);
    logger.info("Listing configured runners", { ConfigFile: path });
    for (const { name, executor, token, url } of runners) {
      logger.info(name, { Executor: executor, Token: shortToken(token.reveal()), URL: url });
    }
    return 0;
  },
};
