/** Ends everything that one process has started, wherever it went. */

import { codeOf, RunnerError } from "../errors.ts";
import { delay } from "./abort.ts";
import { diesOfTerm, findMarked, type TreeLeader } from "./marked_processes.ts";

/** A killed process is gone within milliseconds, unless it hangs in the kernel. */
const KILL_LIMIT_MS = 10_000;
const LONGEST_PAUSE_MS = 50;
/**
 * While the leader lives, its end is told, mostly sooner than this; the table is only read for whoever
 * missed the signal, since reading it can take long on a busy host.
 */
const FIRST_LOOK_MS = 20;
const LONGEST_LOOK_MS = 1000;

/**
 * Kills the leader's process group and every process that has `mark` (`NAME=value`, also with more
 * behind it) in its environment, until none is left. Throws when some survive, which only a hanging
 * kernel can cause.
 */
export async function killTree(mark: string, leader?: TreeLeader): Promise<void> {
  if (leader !== undefined) await killGroup(leader);
  const end = performance.now() + KILL_LIMIT_MS;
  for (let pause = 1;; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const found = await findMarked(mark, leader);
    const left = found.filter(({ pid }) => sendSignal(pid, "SIGKILL"));
    if (left.length === 0) return;
    if (performance.now() > end) {
      const pids = left.map(({ pid }) => pid).join(", ");
      throw new RunnerError(`Cannot end the processes ${pids}: they do not react to SIGKILL`);
    }
    await delay(pause);
  }
}

/**
 * Asks the whole tree to end and waits until it has, for `graceMs` at most. `exited` settles with
 * the leader's end.
 */
export async function terminateTree(
  mark: string,
  leader: TreeLeader,
  options: { exited: Promise<unknown>; graceMs: number },
): Promise<void> {
  const over = Promise.withResolvers<"over">();
  const timer = setTimeout(() => over.resolve("over"), options.graceMs);
  let isLeaderGone = false;
  const gone = options.exited.then(() => void (isLeaderGone = true));
  try {
    sendSignal(-leader.pid, "SIGTERM");
    for (const { pid, group } of await findMarked(mark, leader)) {
      if (group !== leader.pid) sendSignal(pid, "SIGTERM");
    }
    for (let pause = 1, look = FIRST_LOOK_MS;;) {
      const waits = isLeaderGone ? [delay(pause), over.promise] : [gone, delay(look), over.promise];
      if (await Promise.race(waits) === "over") return;
      if (isLeaderGone) pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      else look = Math.min(look * 2, LONGEST_LOOK_MS);
      const left = await findMarked(mark, leader);
      if (left.length === 0) return;
      // A child that a shell had just forked may have taken the signal before it let go of the
      // shell's handlers, and the shell may wait for it. Who has no handler now would be dead, had
      // the signal come to it.
      for (const { pid } of left) if (diesOfTerm(pid)) sendSignal(pid, "SIGTERM");
    }
  } finally {
    clearTimeout(timer);
  }
}

async function killGroup(leader: TreeLeader): Promise<void> {
  if (process.platform !== "win32") {
    sendSignal(-leader.pid, "SIGKILL");
    return;
  }
  const taskkill = Bun.spawn(["taskkill", "/T", "/F", "/PID", String(leader.pid)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  await taskkill.exited;
}

/** False when the process is gone, or belongs to a user whom this process may not signal. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ESRCH" || code === "EPERM" || code === "EINVAL") return false;
    throw error;
  }
}
