/** Ends what a broken connection left behind on the target. */

import { SystemFailure } from "../../core/errors.ts";
import { connect, type SshTarget } from "../../core/ssh/mod.ts";
import { capture } from "./capture.ts";
import { sweepCommand } from "./supervisor.ts";

/** A server that cannot be reached within this is left alone: its own end of the connection ends. */
const SWEEP_MS = 20_000;

/** Kills every process with the mark, over a connection of its own. Throws SystemFailure. */
export async function sweep(
  target: SshTarget,
  mark: string,
  options: { signal: AbortSignal } = { signal: AbortSignal.timeout(SWEEP_MS) },
): Promise<void> {
  await using connection = await connect(target, options);
  const { code, errors } = await capture(connection, sweepCommand(mark), options);
  if (code === 0) return;
  throw new SystemFailure(
    `Cannot end a lost job's processes on "${target.host}": ${errors.trim()}`,
  );
}
