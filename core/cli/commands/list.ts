/** `list`: the runners in config.toml, as log lines. */

import { loadConfig } from "../../config/load.ts";
import { shortToken } from "../../util/token.ts";
import type { Command } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";

export const listCommand: Command = {
  description: "Each runner is one log line with its name, executor, token (shortened) and URL.",
  flags: [CONFIG_FLAG],
  examples: [["list", "The runners of this host"]],
  async run(flags, { program, logger }) {
    const path = configFile(flags, program);
    const { config } = await loadConfig(path, { env: program.env });
    logger.info("Listing configured runners", { ConfigFile: path });
    for (const { name, executor, token, url } of config.runners) {
      logger.info(name, { Executor: executor, Token: shortToken(token.reveal()), URL: url });
    }
    return 0;
  },
};
