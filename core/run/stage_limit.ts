/** Time limits that a job sets for its own stages: `RUNNER_SCRIPT_TIMEOUT` and its like. */

import { parseDuration } from "../util/units.ts";

export interface StageLimit {
  /** Infinity: only the job's limit holds. */
  readonly ms: number;
  /** Why the limit is not the one the job asks for. */
  readonly warning?: string;
}

/**
 * The limit that `text`, the value of the variable `name`, asks for in a job that has `leftMs` left;
 * `fallbackMs` when it asks for none, or for one that cannot be.
 */
export function stageLimit(
  name: string,
  text: string,
  options: { fallbackMs: number; leftMs: number },
): StageLimit {
  const { fallbackMs: ms, leftMs } = options;
  if (text === "") return { ms };
  const wanted = parseDuration(text);
  if (wanted === undefined) return { ms, warning: `Ignoring malformed ${name} timeout: ${text}` };
  if (wanted < 0) return { ms, warning: `Ignoring relative ${name} timeout: ${text}` };
  if (wanted > leftMs) {
    return {
      ms,
      warning: `${name} timeout: ${text} is longer than job timeout. Setting to job timeout`,
    };
  }
  return { ms: wanted === 0 ? ms : wanted };
}
