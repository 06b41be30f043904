/** `[runners.plugin]`: the program behind an executor that is not built in (plugins/PROTOCOL.md). */

import { freeTable, strings } from "../keys.ts";

export const pluginKeys = {
  command: strings("program and arguments; else runner-executor-<name> in PATH", { flag: null }),
  environment: strings("KEY=value list for the plugin's process", { flag: null, sensitive: true }),
  config: freeTable("settings that the plugin understands"),
};
