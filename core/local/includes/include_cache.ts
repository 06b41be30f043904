/** Files of other places as they were when they were fetched, so that a pipeline runs offline. */

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { codeOf } from "../../errors.ts";
import { parseJson } from "../../util/json.ts";

export class IncludeCache {
  readonly #directory: string;

  /** `directory` is private to the user; it is made when it is first needed. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What was kept under `key`; undefined when there is nothing, or nothing that can be read. */
  async get<T>(key: readonly string[], schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      const parsed = schema.safeParse(parseJson(await readFile(this.#pathOf(key), "utf8")));
      return parsed.success ? parsed.data : undefined;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Readers see the old value or the new one, never a part. */
  async set(key: readonly string[], value: unknown): Promise<void> {
    const path = this.#pathOf(key);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const draft = `${path}.${randomUUID()}`;
    await writeFile(draft, JSON.stringify(value), { mode: 0o600 });
    await rename(draft, path);
  }

  #pathOf(key: readonly string[]): string {
    const digest = createHash("sha256").update(JSON.stringify(key)).digest("hex");
    return join(this.#directory, `${digest}.json`);
  }
}
