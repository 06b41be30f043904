/** Connects with patience: a server may be starting, or have too many logins at a time. */

import { delay } from "../util/abort.ts";
import { SshConnection, type SshTarget } from "./connection.ts";
import { SshRefusal } from "./refusal.ts";

/** Between two tries, at most: a machine that is being started is asked more often at first. */
const PAUSE_MS = 1000;
const FIRST_PAUSE_MS = 100;

/** As GitLab Runner, for a machine that should be there. */
export const USUAL_TRIES = 3;

/** As GitLab Runner, for one that has just been started. */
export const STARTING_TRIES = 30;

/** Throws SystemFailure with the last try's reason; an answer that will not change ends the tries. */
export async function connect(
  target: SshTarget,
  options: { signal: AbortSignal },
): Promise<SshConnection> {
  for (let attempt = 1;; attempt++) {
    try {
      return await SshConnection.open(target, options);
    } catch (error) {
      const isFinal = error instanceof SshRefusal || attempt >= target.tries;
      if (isFinal || options.signal.aborted) throw error;
      const pauseMs = target.tries > USUAL_TRIES ? FIRST_PAUSE_MS * attempt : PAUSE_MS;
      await delay(Math.min(pauseMs, PAUSE_MS), options);
    }
  }
}
