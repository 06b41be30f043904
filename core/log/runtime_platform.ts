/** The first line of a command's log: what runs, and as which process. */

import { buildInfo, goPlatform } from "../version.ts";
import type { Logger } from "./logger.ts";

/** GitLab Runner's words and fields, which tools look for. */
export function logRuntimePlatform(logger: Logger): void {
  const { os, arch } = goPlatform();
  const { revision, version } = buildInfo;
  logger.info("Runtime platform", { arch, os, pid: process.pid, revision, version });
}
