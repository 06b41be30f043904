/** Which processes of this host carry a mark in their environment, or descend from one that does. */

import { hasDefault, type ProcessRow, procTable, type TreeLeader } from "./proc_table.ts";

export type { TreeLeader };

/**
 * Living processes whose environment has `mark` (`NAME=value`), those of the leader's session, and
 * descendants of either. Processes of other users are seen only by root.
 */
export async function findMarked(
  mark: string,
  leader?: TreeLeader,
): Promise<readonly ProcessRow[]> {
  switch (process.platform) {
    case "linux":
      return descendants(await procTable.read(mark, leader), leader);
    case "win32":
      return [];
    default:
      return descendants(await listByPs(mark), leader);
  }
}

/** Whether the process would be dead, had SIGTERM come to it. False where that cannot be told. */
export function diesOfTerm(pid: number): boolean {
  return process.platform === "linux" && hasDefault(pid, TERM);
}

const TERM = 15;

/** Marked rows and everything below them, never this process. */
export function descendants(
  rows: readonly ProcessRow[],
  leader?: TreeLeader,
): readonly ProcessRow[] {
  const members = new Set<number>();
  const belongs = (row: ProcessRow) =>
    row.marked || row.pid === leader?.pid || row.session === leader?.pid || members.has(row.parent);
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const row of rows) if (belongs(row)) members.add(row.pid);
  }
  return rows.filter((row) => members.has(row.pid) && row.pid !== process.pid);
}

/** How `ps` is told to append each process's environment to its command. */
const PS_ENVIRONMENT: Readonly<Record<string, string>> = { darwin: "-E", freebsd: "-e" };

async function listByPs(mark: string): Promise<readonly ProcessRow[]> {
  const flag = PS_ENVIRONMENT[process.platform] ?? "-e";
  const { execFile } = await import("node:child_process");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const args = ["-axww", flag, "-o", "pid=,ppid=,pgid=,stat=,command="];
  execFile("ps", args, { maxBuffer: Infinity }, (error, stdout) => {
    if (error) reject(error);
    else resolve(stdout);
  });
  return parsePs(await promise, mark);
}

/** Rows of `ps -o pid=,ppid=,pgid=,stat=,command=`, without zombies. */
export function parsePs(text: string, mark: string): readonly ProcessRow[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, group, state] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)/.exec(line) ?? [];
    if (pid === undefined || state?.startsWith("Z")) return [];
    return [{
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: 0,
      marked: line.includes(mark),
    }];
  });
}
