/** Where config.toml is when nobody says so. */

import { isAbsolute, join } from "node:path";

/** The variable's path, else the system's file for root, the user's own, or the working folder's. */
export function defaultConfigPath(user: {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined on Windows, where the file is always in the working folder. */
  readonly uid: number | undefined;
  readonly platform: NodeJS.Platform;
  readonly cwd: string;
}): string {
  const { CONFIG_FILE: named = "", HOME: home = "" } = user.env;
  if (named !== "") return isAbsolute(named) ? named : join(user.cwd, named);
  if (user.platform === "win32") return join(user.cwd, "config.toml");
  if (user.uid === 0) return "/etc/gitlab-runner/config.toml";
  return isAbsolute(home)
    ? join(home, ".gitlab-runner", "config.toml")
    : join(user.cwd, "config.toml");
}
