/** Connects with patience: a server may be starting, or have too many logins at a time. */

import { delay } from "../util/abort.ts";
import { SshConnection, type SshTarget } from "./connection.ts";
import { SshRefusal } from "./refusal.ts";

/** As GitLab Runner. */
const ATTEMPTS = 3;
const PAUSE_MS = 1000;

/** Throws SystemFailure with the last try's reason; an answer that will not change ends the tries. */
export async function connect(
  target: SshTarget,
  options: { signal: AbortSignal },
): Promise<SshConnection> {
  for (let attempt = 1;; attempt++) {
    try {
      return await SshConnection.open(target, options);
    } catch (error) {
      const isFinal = error instanceof SshRefusal || attempt === ATTEMPTS;
      if (isFinal || options.signal.aborted) throw error;
      await delay(PAUSE_MS, options);
    }
  }
}
