/** What a process takes for granted about its place, where a system may not tell. */

import { homedir, userInfo } from "node:os";

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's directory; empty for a number that no user database knows, as containers have it. */
export function homeDirectory(env: Environment): string {
  if (env["HOME"]) return env["HOME"];
  try {
    return homedir() || userInfo().homedir;
  } catch {
    return "";
  }
}

/** The working directory; its last known path when it has been removed. */
export function workingDirectory(env: Environment): string {
  try {
    return process.cwd();
  } catch {
    return env["PWD"] || "/";
  }
}
