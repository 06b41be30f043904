/** Root and other users have different configuration files; who starts a runner should know. */

import type { CommandContext } from "./command.ts";

/** Says which of both modes is on. Windows has no such difference. */
export function logUserMode({ program, logger }: CommandContext): void {
  if (program.uid === undefined) return;
  if (program.uid === 0) {
    logger.info("Running in system-mode.");
    return;
  }
  logger.warning("Running in user-mode.");
  logger.warning("Use sudo for system-mode:");
  logger.warning(`$ sudo ${program.calledAs}...`);
}
