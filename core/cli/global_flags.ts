/** Flags that every command takes, before or after the command's name. */

import { LOG_FORMATS } from "../log/format.ts";
import { LOG_LEVELS } from "../log/level.ts";
import type { Flag } from "./flag.ts";

/** Their heading in help. */
export const GLOBAL_GROUP = "Global flags";

export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    names: ["debug"],
    kind: "bool",
    env: "RUNNER_DEBUG",
    help: "Log at level debug",
    group: GLOBAL_GROUP,
  },
  {
    names: ["log-level"],
    short: "l",
    kind: "string",
    env: "LOG_LEVEL",
    default: "info",
    values: LOG_LEVELS,
    help: "Lowest level to log: debug, info, warn, error, fatal, panic",
    group: GLOBAL_GROUP,
  },
  {
    names: ["log-format"],
    kind: "string",
    env: "LOG_FORMAT",
    default: "runner",
    values: LOG_FORMATS,
    help: "Form of log lines: runner, text, json",
    group: GLOBAL_GROUP,
  },
  {
    names: ["cpuprofile"],
    kind: "string",
    env: "CPU_PROFILE",
    help: "For command lines of GitLab Runner; no profile is written",
    group: GLOBAL_GROUP,
  },
];
