/** Whether an engine is there and works. */

import { deadline, DeadlineExceeded } from "../../core/util/abort.ts";
import type { Engine } from "./engine/mod.ts";

/** One that is under load still answers this at once. */
const LONGEST_MS = 5000;

/** Throws EngineError or DeadlineExceeded when it does not, and the signal's reason. */
export async function assertAnswers(
  engine: Engine,
  options: { signal: AbortSignal },
): Promise<void> {
  const late = () => new DeadlineExceeded("The answer of the Docker Engine", LONGEST_MS);
  using limit = deadline(LONGEST_MS, late, options.signal);
  await engine.ping({ signal: limit.signal });
}
