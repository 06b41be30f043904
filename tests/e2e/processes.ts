/** What the system tells about processes. */

import { readdirSync, readFileSync, statSync } from "node:fs";

/** False for one that is gone and for one that only waits to be collected. */
export function isAlive(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state !== undefined && state !== "Z";
}

/** Undefined for one that is gone. */
export function parentOf(pid: number): number | undefined {
  const fields = statFields(pid);
  return fields === undefined ? undefined : Number(fields[1]);
}

/** Processor time of the process itself. NaN for one that is gone. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields?.[11]) + Number(fields?.[12])) / 100;
}

export interface SeenProcess {
  readonly pid: number;
  /** Arguments, joined by spaces. */
  readonly commandLine: string;
  /** Permissions of its environment; undefined when it is gone already. */
  readonly environmentMode: number | undefined;
}

/** All processes of the machine, this moment. */
export function processes(): SeenProcess[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    const commandLine = read(`/proc/${name}/cmdline`);
    if (commandLine === undefined) return [];
    return [{
      pid: Number(name),
      commandLine: commandLine.replaceAll("\0", " "),
      environmentMode: mode(`/proc/${name}/environ`),
    }];
  });
}

/** Peak of a process's resident memory, in MiB. */
export function peakMemoryMiB(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

/** From the state on, which is behind the program's name. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function mode(path: string): number | undefined {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return undefined;
  }
}
