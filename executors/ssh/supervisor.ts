/** The shell code that stands between a stage's script and the server's end of the connection. */

import { RunnerError } from "../../core/errors.ts";

/** By this variable all processes of one job are known on the target. */
export const MARK_VARIABLE = "RUNNER_PROCESS_MARK";

/** Asks the processes of the stage to end; the end of the input kills them. */
export const TERMINATE = new TextEncoder().encode("TERM\n");

/** Sends a signal to every process whose mark begins with this one. False: there was none. */
function signalMarked(mark: string): string {
  return `k() { f=1; for p in $(grep -lsF ${MARK_VARIABLE}=${mark} /proc/[0-9]*/environ); do ` +
    "p=${p%/environ}; kill -$1 ${p#/proc/} && f=0; done 2>/dev/null; return $f; }";
}

/** A killed process is gone at once, unless it hangs in the kernel. */
const KILL_MARKED = "r=0; while k KILL && [ $r -lt 200 ]; do r=$((r+1)); sleep 0.05 || sleep 1; " +
  "done 2>/dev/null";

/**
 * Ends whatever a job has left, by the beginning of its marks alone, then removes the directory that
 * is named on the standard input.
 */
export function sweepCommand(mark: string): string {
  const remove = 'IFS= read -r d; case "$d" in /*) rm -rf -- "$d"; esac';
  return posixCommand([signalMarked(mark), KILL_MARKED, remove]);
}

/**
 * Runs `argv` in a session of its own with the first `size` bytes of the input as its standard
 * input, and with both output streams in one pipe: sshd's own are sockets, which no `/dev/stdout`
 * opens. What follows in the input are {@link TERMINATE} and, as its end, the order to kill: the end
 * also comes when the connection breaks, and it needs no signal request, which sshd refuses for
 * root. When the script has ended, so do its children, and the exit code is told on the standard
 * error as {@link exitPattern} reads it.
 */
export function superviseCommand(
  stage: { readonly argv: readonly string[]; readonly mark: string; readonly size: number },
): string {
  const { argv, mark, size } = stage;
  const words = argv.join(" ");
  return posixCommand([
    "exec 3<&0",
    "trap : HUP TERM",
    "s=",
    "command -v setsid >/dev/null 2>&1 && s=setsid",
    signalMarked(mark),
    // The orders are read by a process that outlives the script, and holds none of its streams.
    `{ head -c ${size} <&3; { while IFS= read -r o; do k TERM; done; ` +
    "while kill -0 $$; do k KILL; sleep 0.1 || sleep 1; done; } <&3 3<&- >/dev/null 2>&1 & } | " +
    `{ trap : HUP TERM; exec 4<&0; ${MARK_VARIABLE}=${mark} $s ${words} <&4 2>&1 3<&- 4<&- & ` +
    "j=$! ; exec <&- >&- 3<&- 4<&-; " +
    "while :; do wait $j; c=$?; kill -0 $j 2>/dev/null || break; done; " +
    `${KILL_MARKED}; echo ${mark} exit $c >&2; } | cat`,
  ]);
}

/** Finds the exit code in what the supervisor says. */
export function exitPattern(mark: string): RegExp {
  return new RegExp(`^${mark.replaceAll(".", "\\.")} exit (\\d+)$`, "m");
}

/**
 * The user's login shell may be any, so it gets one line that all of them understand: words, and one
 * text in single quotes without what some of them see even there: quotes, backslashes, and exclamation
 * marks without a space behind. Throws RunnerError.
 */
export function posixCommand(lines: readonly string[]): string {
  const text = lines.join("; ");
  if (/['\\\n]|!(?! )/.test(text)) throw new RunnerError(`Cannot send the command: ${text}`);
  return `exec sh -c '${text}'`;
}
