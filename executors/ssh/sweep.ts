/** Ends what a broken connection left behind on the target. */

import { SystemFailure } from "../../core/errors.ts";
import { connect, type SshTarget } from "../../core/ssh/mod.ts";
import { deadline, DeadlineExceeded } from "../../core/util/abort.ts";
import { capture } from "./capture.ts";
import { sweepCommand } from "./supervisor.ts";

export interface Leftovers {
  /** What the marks of the job's processes begin with. */
  readonly mark: string;
  /** Directory with the job's secrets; undefined: it has none, or has removed them. */
  readonly tempDir?: string | undefined;
}

/**
 * A server that cannot be reached within this is left alone: it ends the processes itself as soon as
 * it sees that the connection is gone.
 */
const SWEEP_MS = 20_000;

/** Works over a connection of its own. Throws SystemFailure. */
export async function sweep(
  target: SshTarget,
  { mark, tempDir = "" }: Leftovers,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const parents = options.signal === undefined ? [] : [options.signal];
  const late = () => new DeadlineExceeded("Cleaning up on the target", SWEEP_MS);
  using limit = deadline(SWEEP_MS, late, ...parents);
  const { signal } = limit;
  await using connection = await connect(target, { signal });
  const input = [new TextEncoder().encode(`${tempDir}\n`)];
  const { code, errors } = await capture(connection, sweepCommand(mark), { input, signal });
  if (code === 0) return;
  throw new SystemFailure(`Cannot clean up after a job on "${target.host}": ${errors.trim()}`);
}
