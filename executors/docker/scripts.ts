/** What runs in the containers beside the job's own scripts: all of it POSIX shell without programs. */

import { posix } from "node:path";
import { quoteWord } from "../../core/util/quote_word.ts";

/**
 * A container's first process: a shell that waits for input which never comes, while stages are
 * started beside it. It ends with the container, not with a signal meant for a stage.
 */
export const KEEPER: readonly string[] = ["sh", "-c", "trap '' HUP INT TERM; read -r _"];

/** bash where there is one, in the order in which GitLab Runner looks. */
const DETECT = "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh " +
  '/usr/bin/sh /bin/sh /busybox/sh sh; do [ ! -x "$shell" ] || break; done';

/**
 * Runs the script on standard input in the best shell there is, both streams in one, and ends what
 * the script has left behind: processes that were not there before it.
 */
export function stageCommand(
  options: {
    shell: readonly string[] | undefined;
    ownProcesses: boolean;
    before?: readonly string[];
  },
): readonly string[] {
  const lines = [
    "trap : TERM",
    ...(options.before ?? []),
    ...(options.ownProcesses ? ['set -- /proc/[0-9]*; before=" $* "'] : []),
    options.shell === undefined ? `${DETECT}; "$shell" 2>&1` : `${quoted(options.shell)} 2>&1`,
    "code=$?",
    DRAIN,
    ...(options.ownProcesses ? [END_REST] : []),
    "exit $code",
  ];
  return ["sh", "-c", lines.join("\n")];
}

/**
 * Podman loses what a process has printed that ends before it has read all of its input, so the rest of
 * a script that has ended early is read.
 */
const DRAIN = "if read -r _; then cat >/dev/null 2>&1 || while read -r _; do :; done; fi";

/** Killed processes that nobody waits for stay in the list, so the number of rounds is limited. */
const END_REST = [
  "for round in 1 2 3; do",
  "found=",
  "for process in /proc/[0-9]*; do",
  'case "$before" in *" $process "*) continue ;; esac',
  '[ "$process" = "/proc/$$" ] || { kill -KILL "${process#/proc/}" && found=yes; }',
  "done 2>/dev/null",
  '[ -n "$found" ] || break',
  "done",
].join("\n");

/** Puts standard input into a file of the job's own user. */
export function receiveScript(path: string): readonly string[] {
  return [
    "sh",
    "-c",
    `umask 077; mkdir -p ${quoteWord(posix.dirname(path))} && cat > ${quoteWord(path)}`,
  ];
}

/** Runs such a file on a terminal; it is gone before its first line is read. */
export function runReceived(path: string): readonly string[] {
  const file = quoteWord(path);
  return ["sh", "-c", `${DETECT}; { rm -f ${file}; "$shell"; } < ${file}`];
}

/** Signals every process of a container but its first. */
export function signalCommand(name: "TERM" | "KILL"): readonly string[] {
  return ["sh", "-c", `kill -${name} -1`];
}

function quoted(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}
