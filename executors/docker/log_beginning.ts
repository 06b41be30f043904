/** What a container's log begins with, told in the job's. */

import { messageOf, RunnerError } from "../../core/errors.ts";
import type { OutputSink } from "../../core/executor.ts";
import type { Engine } from "./engine/mod.ts";

/** As GitLab Runner. */
const LONGEST_BYTES = 64 * 1024;

/** Writes it, or why it cannot be read. Rejects only when `signal` aborts. */
export async function writeLogBeginning(
  id: string,
  output: OutputSink,
  { engine, signal }: { engine: Pick<Engine, "containerLogs">; signal: AbortSignal },
): Promise<void> {
  const enough = new AbortController();
  let left = LONGEST_BYTES;
  const write: OutputSink["write"] = (bytes, stream) => {
    const taken = bytes.subarray(0, left);
    left -= taken.length;
    if (left === 0) enough.abort(new RunnerError("more of the log is not told"));
    return taken.length === 0 ? undefined : output.write(taken, stream);
  };
  try {
    await engine.containerLogs(id, {
      output: { write },
      follow: false,
      timestamps: true,
      signal: AbortSignal.any([signal, enough.signal]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    const why = left === 0 ? "..." : messageOf(cause);
    await output.write(new TextEncoder().encode(`${why}\n`));
  }
}
