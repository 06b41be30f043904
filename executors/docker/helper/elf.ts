/** What the head of a Linux executable tells: for which processor, and who loads it. */

import { open } from "node:fs/promises";
import { RunnerError } from "../../../core/errors.ts";

export interface ElfFacts {
  /** In Go's words; the number of the format where we have no word. */
  readonly architecture: string;
  /** Path of the loader it asks for; undefined: it needs none. */
  readonly interpreter: string | undefined;
}

/** The program headers of every executable lie in its first bytes. */
const HEAD_BYTES = 16_384;

/** `e_machine` of what Bun compiles for. */
const MACHINES: Readonly<Record<number, string>> = { 62: "amd64", 183: "arm64" };

const INTERPRETER = 3;

/** Throws RunnerError when the file cannot be read or is no Linux executable. */
export async function elfFacts(path: string): Promise<ElfFacts> {
  const head = await readHead(path);
  // 64 bits, little endian: all we are compiled for.
  if (head.length < 64 || head.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") {
    throw new RunnerError(`"${path}" is no executable for Linux`);
  }
  const machine = head.readUInt16LE(18);
  const at = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  let interpreter: string | undefined;
  for (let entry = at; entry < at + count * size && entry + 40 <= head.length; entry += size) {
    if (head.readUInt32LE(entry) !== INTERPRETER) continue;
    const from = Number(head.readBigUInt64LE(entry + 8));
    const length = Number(head.readBigUInt64LE(entry + 32));
    interpreter = head.toString("latin1", from, from + length).replace(/\0.*$/s, "") || undefined;
  }
  return { architecture: MACHINES[machine] ?? String(machine), interpreter };
}

async function readHead(path: string): Promise<Buffer> {
  try {
    await using file = await open(path);
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
    return head.subarray(0, bytesRead);
  } catch (cause) {
    throw new RunnerError(`Cannot read the executable "${path}"`, { cause });
  }
}
