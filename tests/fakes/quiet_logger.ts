/** A log that nobody reads. */

import type { Logger } from "../../core/log/logger.ts";

export const quietLogger: Logger = {
  debug() {},
  info() {},
  warning() {},
  error() {},
  fatal() {},
  with: () => quietLogger,
};
