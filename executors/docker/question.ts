/** Questions to a running container: small programs that run beside its stages. */

import type { OutputSink } from "../../core/executor.ts";
import type { Engine } from "./engine/mod.ts";

/** A program's exit code and all that it has printed. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

export interface Question {
  readonly user?: string;
  /** Added to the container's own. */
  readonly env?: readonly string[];
  /** Gets the output, too. */
  readonly told?: OutputSink;
  readonly signal: AbortSignal;
}

/** Runs a program to its end. Throws EngineError. */
export async function askContainer(
  engine: Pick<Engine, "exec">,
  id: string,
  argv: readonly string[],
  { user, env, told, signal }: Question,
): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  const keep = (bytes: Uint8Array) => {
    chunks.push(bytes.slice());
    return told?.write(bytes);
  };
  const request = {
    argv,
    ...(user === undefined ? {} : { user }),
    ...(env === undefined ? {} : { env }),
  };
  const end = await engine.exec(id, request, { output: { write: keep }, signal });
  if (end.error !== undefined) chunks.push(new TextEncoder().encode(end.error));
  return { code: end.exitCode, text: Buffer.concat(chunks).toString().trim() };
}

/** How often the kernel killed for want of memory, in both generations of control groups. */
const OOM_COUNTERS =
  "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null";

/** Whether the kernel has killed one of its processes for want of memory. */
export async function wasOutOfMemory(
  engine: Pick<Engine, "exec">,
  id: string,
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  const its = { user: "0:0", signal };
  const { text } = await askContainer(engine, id, ["sh", "-c", OOM_COUNTERS], its);
  return /^oom_kill [1-9]/m.test(text);
}
