/** This executable, and those beside it, as programs for other environments to have. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { codeOf, messageOf, RunnerError } from "../errors.ts";
import { executableFor, type Platform } from "./own_executable.ts";

export interface HelperProgram {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Each program is read for its hash once. Concurrent calls are safe. */
export class HelperPrograms {
  readonly #own: string;
  readonly #programs = new Map<string, Promise<HelperProgram | undefined>>();

  /** `own`: this process's program. */
  constructor(own: string) {
    this.#own = own;
  }

  /** Undefined: there is none for this platform. Throws RunnerError when it cannot be read. */
  async find(platform: Platform): Promise<HelperProgram | undefined> {
    const path = executableFor(this.#own, platform);
    let program = this.#programs.get(path);
    if (program === undefined) {
      program = readProgram(path);
      this.#programs.set(path, program);
    }
    return await program;
  }
}

async function readProgram(path: string): Promise<HelperProgram | undefined> {
  try {
    const { size } = await stat(path);
    const hasher = new Bun.CryptoHasher("sha256");
    for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hasher.update(bytes);
    }
    return { path, size, sha256: hasher.digest("hex") };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new RunnerError(`Cannot read "${path}": ${messageOf(error)}`, { cause: error });
  }
}
