/** Time and chance as the retry layer sees them, so that tests need not wait. */

import { delay } from "../util/abort.ts";

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  delay(ms: number, options: { signal: AbortSignal }): Promise<void>;
}

export const systemClock: Clock = { now: Date.now, random: Math.random, delay };
