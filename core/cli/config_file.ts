/** The flag that says where config.toml is. */

import { resolve } from "node:path";
import { defaultConfigPath } from "../config/path.ts";
import type { Flag, FlagValues } from "./flag.ts";
import type { Program } from "./program.ts";

export const CONFIG_FLAG: Flag = {
  names: ["config"],
  short: "c",
  kind: "string",
  env: "CONFIG_FILE",
  default: "/etc/gitlab-runner/config.toml as root, else ~/.gitlab-runner/config.toml",
  help: "Configuration file",
};

/** Absolute path of the configuration file in force; it need not exist. */
export function configFile(
  flags: FlagValues,
  { cwd, home, platform, uid }: Pick<Program, "cwd" | "home" | "platform" | "uid">,
): string {
  const given = flags.text("config");
  if (given) return resolve(cwd, given);
  return defaultConfigPath({ env: { HOME: home }, cwd, platform, uid });
}
