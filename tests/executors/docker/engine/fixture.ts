/** Containers and sinks for tests of the engine client. */

import type { OutputSink } from "../../../../core/executor.ts";
import type { Engine } from "../../../../executors/docker/engine/mod.ts";

export interface Gathered extends OutputSink {
  readonly text: { stdout: string; stderr: string };
  readonly bytes: number;
  /** Resolves when this has been printed. */
  saw(text: string): Promise<void>;
}

/** Keeps the first 64 KB of each stream and counts the rest. */
export function gather(): Gathered {
  const text = { stdout: "", stderr: "" };
  let bytes = 0;
  let look = () => {};
  return {
    text,
    get bytes() {
      return bytes;
    },
    saw(wanted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      look = () => (text.stdout + text.stderr).includes(wanted) ? resolve() : undefined;
      look();
      return promise;
    },
    write(chunk, stream: "stdout" | "stderr" = "stdout") {
      bytes += chunk.length;
      if (text[stream].length < 65_536) text[stream] += new TextDecoder().decode(chunk);
      look();
      return undefined;
    },
  };
}

/** A container that is removed at the end. Not started. */
export async function container(
  engine: Engine,
  spec: Record<string, unknown>,
): Promise<{ id: string } & AsyncDisposable> {
  const signal = AbortSignal.timeout(30_000);
  const name = `engine-test-${crypto.randomUUID()}`;
  const id = await engine.createContainer(name, spec, { signal });
  return {
    id,
    async [Symbol.asyncDispose]() {
      await engine.removeContainer(id, { signal: AbortSignal.timeout(30_000) });
    },
  };
}

/** A running container whose first process only waits. */
export async function idleContainer(engine: Engine, image: string) {
  const made = await container(engine, {
    Image: image,
    Cmd: ["sleep", "1000"],
    HostConfig: { NetworkMode: "none" },
  });
  await engine.startContainer(made.id, { signal: AbortSignal.timeout(30_000) });
  return made;
}
