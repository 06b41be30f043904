/** Writing a runner's new authentication token to config.toml. */

import { ConfigurationError } from "../errors.ts";
import type { Secret } from "../util/secret.ts";
import { type ConfigDraft, editConfig } from "./edit.ts";
import type { Environment } from "./entry.ts";

/** A token as GitLab has just made it. */
export interface NewToken {
  readonly token: Secret;
  readonly obtainedAt: Date;
  /** Undefined: never. */
  readonly expiresAt: Date | undefined;
}

/**
 * Puts `fresh` where the file at `path` has the runner's URL and token. Throws a ConfigurationError
 * when it has them nowhere (any more): GitLab accepts no other token by now.
 */
export async function saveToken(
  path: string,
  runner: Parameters<ConfigDraft["indicesOf"]>[0],
  fresh: NewToken,
  options: { readonly env: Environment },
): Promise<void> {
  await editConfig(path, (draft) => {
    const indices = draft.indicesOf(runner);
    if (indices.length === 0) {
      throw new ConfigurationError(
        `Cannot keep the new token: "${path}" has no runner with the old one any more; ` +
          "register the runner again",
      );
    }
    for (const index of indices) {
      draft.setRunner(index, {
        token: fresh.token,
        token_obtained_at: fresh.obtainedAt,
        token_expires_at: fresh.expiresAt,
      });
    }
  }, options);
}
