/** Of a plugin in Node: takes the place of core/util/process_pty.ts. */

import { SystemFailure } from "../../../core/errors.ts";

/** Node makes no terminals. Throws SystemFailure. */
export function runOnPty(): never {
  throw new SystemFailure("This plugin offers no terminals: that takes Bun in place of Node");
}
