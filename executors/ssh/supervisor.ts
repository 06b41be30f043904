/** The shell code that stands between a stage's script and the server's end of the connection. */

import { RunnerError } from "../../core/errors.ts";

/** By this variable all processes of one job are known on the target. */
export const MARK_VARIABLE = "RUNNER_PROCESS_MARK";

/** Asks the processes of the stage to end; the end of the input kills them. */
export const TERMINATE = new TextEncoder().encode("TERM\n");

/** Says that the runner is still there. */
export const BEAT = new TextEncoder().encode("\n");

/** Between beats. Five may be lost: a runner that is frozen for longer gives its jobs up as well. */
export const BEAT_MS = 5000;
export const SILENCE_SECONDS = 30;

export interface SupervisedStage {
  readonly argv: readonly string[];
  readonly script: string;
  /** Of this stage alone, from a mark that all stages of the job begin theirs with. */
  readonly mark: string;
  /** Without a beat, until the script is killed. */
  readonly silenceSeconds: number;
}

/** What the supervisor says on the standard error, between complaints of others. */
export interface SupervisorWords {
  /** It has the script: from now on it takes orders, and expects beats. */
  readonly isReady: boolean;
  /** It heard nothing for too long and has ended the script. */
  readonly heardNothing: boolean;
  /** How the script ended: nothing of it is left, where the target lets that be seen. */
  readonly exitCode: number | undefined;
}

export function supervisorWords(said: string, mark: string): SupervisorWords {
  const lines = said.split("\n").slice(0, -1);
  const words = lines.filter((line) => line.startsWith(`${mark} `));
  const exit = words.find((line) => / exit \d+$/.test(line));
  return {
    isReady: words.includes(`${mark} ready`),
    heardNothing: words.includes(`${mark} silent`),
    exitCode: exit === undefined ? undefined : Number(exit.slice(exit.lastIndexOf(" "))),
  };
}

/**
 * What to send first, and nothing behind it before the supervisor is ready: what reads the script may
 * read on. Some `sed` wants to see one more line, to others that is a beat.
 */
export function supervisedInput({ script, mark }: SupervisedStage): Uint8Array {
  return new TextEncoder().encode(`${script}\n${mark} end\n\n`);
}

/**
 * Runs `argv` with the script on its standard input, and with both output streams in one pipe: sshd's
 * own are sockets, which no `/dev/stdout` opens. After the script, the input has {@link TERMINATE},
 * {@link BEAT} and, as its end, the order to kill: the end also comes when the connection breaks, and
 * it needs no signal request, which sshd refuses for root. Where nothing comes for half a minute, the
 * network is gone, and the script is killed as well. When the script has ended, so do its children.
 *
 * Only what POSIX has is used; the script runs in the foreground, because shells let others ignore
 * SIGINT. Where `/proc` shows no environments, the job is known by its process group alone, and a
 * process that leaves it is not found.
 */
export function superviseCommand({ argv, mark, silenceSeconds }: SupervisedStage): string {
  const ours = "trap : HUP TERM";
  const asItIs = 'trap "" HUP TERM';
  return posixCommand([
    "exec 3<&0 </dev/null",
    ours,
    `n() { echo ${mark} silent >&2; }`,
    "trap n USR1",
    // Of a group that another process leads, not all are ours.
    "g=$$",
    "kill -0 -$$ 2>/dev/null || g=",
    // Some `grep` sees no further than the first zero byte, unless it is told.
    "v=",
    `env ${MARK_VARIABLE}=${mark} grep -qzF ${MARK_VARIABLE}=${mark} /proc/self/environ 2>/dev/null && v=1`,
    "t=env",
    '[ "$v" ] && command -v setsid >/dev/null 2>&1 && t=setsid',
    signalMarked(mark),
    'k() { if [ "$v" ]; then m $1; else [ "$g" ] && kill -$1 -$g; fi; }',
    // The end of all: what a stuck connection holds is not waited for.
    `x() { r=0; k KILL; while kill -0 $$ && [ $r -lt 50 ]; do k KILL; r=$((r+1)); ${NAP}; done; ` +
    '[ "$g" ] && kill -KILL -$g; }',
    "q() { kill $p; exit; }",
    `{ ${ours}; trap : USR1; trap q USR2; while :; do sleep ${silenceSeconds} & p=$! ; ` +
    'wait $p && break; kill $p; done; trap "" USR2; kill -USR1 $$; x; } 3<&- >/dev/null 2>&1 & w=$! ',
    `s=$(LC_ALL=C sed "/^${mark} end$/q" <&3)`,
    `case $s in *"${mark} end") ;; *) kill -USR2 $w; exit 1;; esac`,
    `s=\${s%"${mark} end"}`,
    `{ ${ours}; while IFS= read -r o; do case $o in TERM) k TERM;; *) kill -USR1 $w;; esac; done; ` +
    `kill -USR2 $w; x; } <&3 3<&- >/dev/null 2>&1 & echo ${mark} ready >&2`,
    `{ ${asItIs}; printf %s "$s"; } 2>/dev/null 3<&- | ` +
    `{ ${ours}; (export ${MARK_VARIABLE}=${mark}; exec $t ${argv.join(" ")} 2>&1 3<&-); c=$?; ` +
    "exec </dev/null >/dev/null 3<&-; kill -USR2 $w 2>&1; " +
    `if [ "$v" ]; then ${KILL_MARKED}; echo ${mark} exit $c >&2; ` +
    `else echo ${mark} exit $c >&2; k TERM; fi; } | { ${asItIs}; exec cat 3<&-; }`,
    ":",
  ]);
}

/**
 * Ends whatever a job has left, by the beginning of its marks alone, then removes the directory that
 * is named on the standard input.
 */
export function sweepCommand(mark: string): string {
  const remove = 'IFS= read -r d; case "$d" in /*) rm -rf -- "$d"; esac';
  return posixCommand([signalMarked(mark), KILL_MARKED, remove]);
}

const NAP = "sleep 0.1 || sleep 1";

/** Sends a signal to every process whose mark begins with this one. False: there was none. */
function signalMarked(mark: string): string {
  return `m() { f=1; for p in $(grep -lszF ${MARK_VARIABLE}=${mark} /proc/[0-9]*/environ); do ` +
    "p=${p%/environ}; kill -$1 ${p#/proc/} && f=0; done 2>/dev/null; return $f; }";
}

/**
 * Until two looks find nothing: a process that just becomes another program shows no environment for
 * a moment. One that is killed is gone at once, unless it hangs in the kernel.
 */
const KILL_MARKED = "r=0; e=0; while [ $e -lt 2 ] && [ $r -lt 200 ]; do r=$((r+1)); e=$((e+1)); " +
  "m KILL && e=0 && { sleep 0.05 || sleep 1; }; done 2>/dev/null";

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
