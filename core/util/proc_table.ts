/** Linux's table of processes, `/proc`. */

import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";

/** The first process of a tree. */
export interface TreeLeader {
  readonly pid: number;
  /** `performance.now()` just before it was started. */
  readonly startedAt: number;
}

/** What is known of one living process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** 0 where it is not known. */
  readonly session: number;
  readonly marked: boolean;
}

interface Question {
  readonly mark: Buffer;
  readonly leader: TreeLeader | undefined;
  readonly answer: PromiseWithResolvers<readonly ProcessRow[]>;
}

/**
 * A stage shorter than this cannot have used up all process ids, so what it started has an id
 * between its leader's and the last one given out. Then nobody else needs to be looked at.
 */
const NO_WRAP_MS = 2000;

/** Looking at more in one turn of the event loop would hold up everything else for too long. */
const TURN_MS = 5;

/** Room for nearly every environment; larger ones are read in a slower way. */
const ENVIRONMENT_BYTES = 64 * 1024;

/**
 * Reading a busy host's table takes 20 ms for each thousand of its processes. So what is asked in one
 * turn of the event loop shares a reading, which begins after all the questions, as many jobs may
 * end at once; and a long reading is spread over turns.
 */
class ProcTable {
  #questions: Question[] = [];

  /**
   * The living processes among which those of a tree are, with `mark` (`NAME=value`) looked up in
   * their environments. Not all of the host's when the leader has not been there for long.
   */
  read(mark: string, leader: TreeLeader | undefined): Promise<readonly ProcessRow[]> {
    const answer = Promise.withResolvers<readonly ProcessRow[]>();
    if (this.#questions.length === 0) setImmediate(() => void this.#answer());
    this.#questions.push({ mark: Buffer.from(mark), leader, answer });
    return answer.promise;
  }

  async #answer(): Promise<void> {
    const questions = this.#questions;
    this.#questions = [];
    try {
      const rows = await readRows(questions);
      questions.forEach(({ answer }, index) => answer.resolve(rows[index] ?? []));
    } catch (error) {
      for (const { answer } of questions) answer.reject(error);
    }
  }
}

/** One for all: that questions meet is its purpose. */
export const procTable = new ProcTable();

/** For each question the rows of all processes that any of them has to look at. */
async function readRows(
  questions: readonly Question[],
): Promise<readonly (readonly ProcessRow[])[]> {
  const rows: ProcessRow[][] = questions.map(() => []);
  const room = Buffer.allocUnsafe(ENVIRONMENT_BYTES);
  let turnEnd = performance.now() + TURN_MS;
  for (const pid of candidates(questions)) {
    if (performance.now() > turnEnd) {
      await new Promise(setImmediate);
      turnEnd = performance.now() + TURN_MS;
    }
    // Before the rest: a process that ends in between leaves no row.
    const environment = readEnvironment(pid, room);
    const row = readStat(pid);
    if (row === undefined) continue;
    questions.forEach(({ mark }, index) =>
      rows[index]?.push(environment.includes(mark) ? { ...row, marked: true } : row)
    );
  }
  return rows;
}

function candidates(questions: readonly Question[]): Iterable<number> {
  const pids = new Set<number>();
  let all: readonly number[] | undefined;
  for (const { leader } of questions) {
    const last = leader === undefined ? 0 : lastPid();
    if (leader !== undefined && last === leader.pid && isYoung(leader)) {
      pids.add(last);
      continue;
    }
    all ??= readdirSync("/proc").map(Number).filter((pid) => pid > 0);
    if (leader === undefined || !isYoung(leader)) return all;
    const isBetween = last < leader.pid
      ? (pid: number) => pid >= leader.pid || pid <= last
      : (pid: number) => pid >= leader.pid && pid <= last;
    for (const pid of all) if (isBetween(pid)) pids.add(pid);
  }
  return pids;
}

function isYoung(leader: TreeLeader): boolean {
  return performance.now() - leader.startedAt <= NO_WRAP_MS;
}

function lastPid(): number {
  const text = readFileSync("/proc/loadavg", "latin1");
  return Number(text.slice(text.lastIndexOf(" ") + 1));
}

const NOTHING = Buffer.alloc(0);

/** Empty for another user's process, for one that is gone, and for a zombie. `room` is reused. */
function readEnvironment(pid: number, room: Buffer): Buffer {
  const path = `/proc/${pid}/environ`;
  try {
    const fd = openSync(path, "r");
    try {
      const length = readSync(fd, room, 0, room.length, 0);
      if (length < room.length) return room.subarray(0, length);
    } finally {
      closeSync(fd);
    }
    return readFileSync(path);
  } catch {
    return NOTHING;
  }
}

function readStat(pid: number): ProcessRow | undefined {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

/** Whether nothing stands between the process and what the system does on a signal. */
export function hasDefault(pid: number, signal: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const bit = 1n << BigInt(signal - 1);
    return ["SigBlk", "SigIgn", "SigCgt"].every((set) => {
      const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1];
      return mask !== undefined && (BigInt(`0x${mask}`) & bit) === 0n;
    });
  } catch {
    return false;
  }
}

/** `pid (name) state ppid pgrp session …`, where the name may hold spaces and parentheses. */
export function parseStat(pid: number, stat: string): ProcessRow | undefined {
  const [state, ...numbers] = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 4);
  if (state === "Z" || state === "X") return undefined;
  const [parent = 0, group = 0, session = 0] = numbers.map(Number);
  return { pid, parent, group, session, marked: false };
}
