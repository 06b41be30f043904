/** Renews runner tokens before they expire (protocol section 4.4). */

import type { RunnerConfig } from "../config/schema.ts";
import type { TokenResetOutcome } from "../coordinator/coordinator.ts";
import type { Logger } from "../log/logger.ts";
import { delay } from "../util/abort.ts";
import { backoff } from "../util/retry.ts";
import { shortToken } from "../util/token.ts";

/** The part of a token's life after which a new one is fetched. */
const ROTATION_POINT = 0.75;

/** After a failure: first a minute, at most an hour. GitLab Runner would ask again at once. */
const RETRY = { minMs: 60_000, maxMs: 3_600_000 };

export interface RotationOptions {
  readonly logger: Logger;
  readonly now: () => number;
  /** Has GitLab make a new token, and writes it to config.toml. Rejects when it cannot be written. */
  readonly renew: (runner: RunnerConfig) => Promise<TokenResetOutcome>;
}

/** When this entry's token is due, in milliseconds since 1970; undefined: never. */
export function rotationDue(runner: RunnerConfig): number | undefined {
  if (runner.feature_flags["FF_DISABLE_AUTOMATIC_TOKEN_ROTATION"]) return undefined;
  const expires = runner.token_expires_at?.getTime() ?? 0;
  const obtained = runner.token_obtained_at?.getTime() ?? 0;
  if (expires <= 0 || expires <= obtained) return undefined;
  return obtained + ROTATION_POINT * (expires - obtained);
}

/**
 * Rotates one entry's token once it is due. Resolves when the new token is saved (the reload that
 * follows starts the next wait). Rejects when `signal` aborts a wait; a renewal it does not cut off.
 */
export async function rotateToken(
  runner: RunnerConfig,
  options: RotationOptions,
  its: { signal: AbortSignal },
): Promise<void> {
  const due = rotationDue(runner);
  if (due === undefined) return;
  const logger = options.logger.with({ runner: shortToken(runner.token.reveal()) });
  await delay(Math.max(0, due - options.now()), its);
  for (let attempt = 0;; attempt++) {
    const outcome = await options.renew(runner);
    if (outcome.kind === "reset") {
      logger.info("Rotated the runner's token", {
        expires_at: outcome.expiresAt?.toISOString() ?? "never",
      });
      return;
    }
    const wait = backoff(attempt, RETRY);
    logger.error("Cannot rotate the runner's token; the old one stays in use", {
      error: outcome.message,
      next_try_s: wait / 1000,
    });
    await delay(wait, its);
  }
}
