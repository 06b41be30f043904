/** One line of an engine's progress, and the fault that a line can be. */

import { z } from "zod";
import type { EngineErrorKind } from "./engine.ts";
import { EngineError } from "./engine_error.ts";

export const PullStep = z.object({
  id: z.string().default(""),
  status: z.string().default(""),
  stream: z.string().default(""),
  progressDetail: z.object({ current: z.number().default(0), total: z.number().default(0) })
    .prefault({}),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string() }).optional(),
});
export type PullStep = z.infer<typeof PullStep>;

/** The status of such an answer is 200 whatever comes; the words are all there is to go by. */
export function pullFault(step: PullStep): EngineError | undefined {
  const words = step.errorDetail?.message ?? step.error;
  return words === undefined ? undefined : new EngineError(kindOfWords(words), words);
}

/** Engines tell a registry's refusal as an error of their own (500). */
export function pullRefusal(error: unknown): unknown {
  if (!(error instanceof EngineError) || error.kind !== "server") return error;
  return new EngineError(kindOfWords(error.message), error.message, { cause: error });
}

function kindOfWords(words: string): EngineErrorKind {
  if (/denied|unauthorized|authentication required|no basic auth/i.test(words)) return "denied";
  if (/manifest unknown|not found|does not exist/i.test(words)) return "not-found";
  return "server";
}
