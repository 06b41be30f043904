/** Lets go of the pages of this executable that no code is using. */

import { readFileSync, readlinkSync } from "node:fs";
import { systemLibc } from "./libc.ts";

/** A range of this process's addresses; both in bytes. */
export interface AddressRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Takes code and constants of the executable out of this process. They stay in the machine's file
 * cache, from where those that are called next come back sixteen at a time; the rest, most of it
 * needed at start only, is memory that the machine can use without asking, and that does not count as
 * this process's. Does nothing where that cannot be done: only Linux tells what is in memory.
 */
export function releaseProgramPages(): void {
  if (process.platform !== "linux") return;
  const libc = systemLibc();
  if (libc === undefined) return;
  try {
    const program = readlinkSync("/proc/self/exe");
    const ranges = untouchedMappings(readFileSync("/proc/self/smaps", "latin1"), program);
    for (const range of ranges) libc.releasePages(range);
  } catch {
    // A system without /proc: everything stays.
  }
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(.*)$/;
/** Pages that differ from the file: relocated at start, or changed by a debugger. */
const OWN_PAGES = /^(?:Anonymous|Swap): +(\d+) kB$/;

/** The mappings of the file `program` that are read-only and hold nothing but what is in the file. */
export function untouchedMappings(smaps: string, program: string): readonly AddressRange[] {
  const ranges: (AddressRange & { isClean: boolean })[] = [];
  let current: (typeof ranges)[number] | undefined;
  for (const line of smaps.split("\n")) {
    const head = HEAD.exec(line);
    if (head === null) {
      if (current !== undefined && Number(OWN_PAGES.exec(line)?.[1] ?? 0) > 0) {
        current.isClean = false;
      }
      continue;
    }
    const [, from = "", to = "", access = "", path] = head;
    const start = Number.parseInt(from, 16);
    current = { start, length: Number.parseInt(to, 16) - start, isClean: true };
    if (path === program && !access.includes("w") && access.endsWith("p")) ranges.push(current);
  }
  return ranges.flatMap(({ start, length, isClean }) => isClean ? [{ start, length }] : []);
}
