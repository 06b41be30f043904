/** Helper images as files, for engines that reach no registry. */

import { open, rename, rm, stat } from "node:fs/promises";
import { codeOf, RunnerError } from "../../../core/errors.ts";
import type { Engine } from "../engine/mod.ts";
import { megabytes, type Progress } from "./progress.ts";
import { replaceImage } from "./replace_image.ts";

interface FileOptions {
  readonly engine: Engine;
  readonly name: string;
  readonly path: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The file is there when it is complete, and only then. Resolves with its size in bytes. */
export async function saveImage(options: FileOptions): Promise<number> {
  const { engine, name, path, progress, signal } = options;
  const found = await engine.inspectImage(name, { signal });
  if (found === "not-found") {
    throw new RunnerError(
      `The engine has no image "${name}": make it with "helper-image build", or name another ` +
        "with --name",
    );
  }
  const part = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  try {
    let size = 0;
    {
      await using file = await open(part, "wx", 0o644);
      for await (const chunk of engine.exportImage(name, { signal })) {
        await file.writeFile(chunk);
        size += chunk.length;
        progress.meanwhile(`${megabytes(size)} of ${path}`);
      }
      await file.sync();
    }
    await rename(part, path);
    return size;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Resolves with the image's id. */
export async function loadImage(options: FileOptions): Promise<string> {
  const { engine, name, path, progress, signal } = options;
  const total = await sizeOf(path);
  async function* content(): AsyncGenerator<Uint8Array> {
    let size = 0;
    for await (const chunk of Bun.file(path).stream()) {
      yield chunk;
      size += chunk.length;
      progress.meanwhile(`${megabytes(size)} of ${megabytes(total)}`);
    }
  }
  const load = () => engine.importImage(name, content(), { signal });
  return await replaceImage(name, load, options);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    const why = codeOf(cause) === "ENOENT" ? "there is no such file" : "it cannot be read";
    throw new RunnerError(`Cannot load "${path}": ${why}`, { cause });
  }
}
