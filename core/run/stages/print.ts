/** Lines that a stage prints into the job log, by the style they have there. */

import type { ScriptOp } from "../../shell.ts";

/** What the stage does or leaves out. */
export function notice(text: string): ScriptOp {
  return { kind: "print", style: "notice", text };
}

export function warning(text: string): ScriptOp {
  return { kind: "print", style: "warning", text };
}

export function plain(text: string): ScriptOp {
  return { kind: "print", style: "plain", text };
}
