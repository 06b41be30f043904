/** The shells `bash` and `sh`: one renderer, two preambles. */

import { posix } from "node:path";
import type { RenderOptions, ScriptOp, Shell } from "../core/shell.ts";
import { renderPosixOps } from "./posix_ops.ts";
import { quotePosix } from "./quote.ts";

export const bash: Shell = {
  name: "bash",
  invocation: ({ login }) => ({
    argv: login ? ["bash", "--login"] : ["bash"],
    script: { kind: "stdin" },
  }),
  render: (ops, options) => script("set -eo pipefail", ops, options),
  join: posix.join,
};

/** Whatever a system has as `sh`: dash, busybox ash, bash in its POSIX mode. */
export const sh: Shell = {
  name: "sh",
  invocation: ({ login }) => ({
    argv: login ? ["sh", "-l"] : ["sh"],
    script: { kind: "stdin" },
  }),
  // Without `command`, a dash that does not know the option would end here.
  render: (ops, options) =>
    script("command set -o pipefail 2>/dev/null || :\nset -e", ops, options),
  join: posix.join,
};

/**
 * The body goes through one `eval`: the shell has read all of it before user code runs, whose
 * standard input can then be empty, and it still parses line by line, so that `alias`, `shopt` and
 * syntax errors act where they stand.
 *
 * It runs in a subshell, and no `exit` follows, because a login shell that executes `exit` runs the
 * user's logout file and ends with that file's failure: `exit 0` would fail the job on a Debian with
 * the default `.bash_logout`. The fork costs a quarter of a millisecond.
 *
 * The traps let a running command end on its own terms before the shells go. A script that sends
 * SIGTERM to `$$` sends it to the outer shell, and means to fail.
 */
function script(strict: string, ops: readonly ScriptOp[], options: RenderOptions): string {
  const trace = options.debugTrace ? "set -x\n" : "";
  const body = `trap 'exit 143' TERM\n${trace}${renderPosixOps(ops, options)}\n`;
  return `runner_terminated=\ntrap runner_terminated=1 TERM\nset +C\n${strict}\n` +
    `(eval ${quotePosix(body)}) </dev/null\n[ -z "$runner_terminated" ]\n`;
}
