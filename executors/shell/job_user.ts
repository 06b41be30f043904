/** The account that jobs run as (`run --user`), and how a process becomes it. */

import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { ConfigurationError } from "../../core/errors.ts";
import { type Account, findAccount } from "../../core/util/passwd.ts";
import type { UserIds } from "../../core/util/process.ts";

export interface JobUser {
  readonly account: Account;
  /** Goes in front of a command. */
  readonly prefix: readonly string[];
  /** For the start of the process, where no prefix changes the user. */
  readonly ids: UserIds | undefined;
}

/**
 * Finds out how to become `name`. Not through `su`: its login takes an environment of its own, and
 * it stays between the manager and the job. `setpriv` (util-linux) sets user, group and
 * supplementary groups and is then replaced by the shell; without it the process starts with user
 * and group and no supplementary groups. Throws ConfigurationError.
 */
export async function jobUser(
  name: string,
  options: { path: string; signal: AbortSignal },
): Promise<JobUser> {
  const account = await findAccount(name, options);
  if (account === undefined) {
    throw new ConfigurationError(`Cannot run jobs as "${name}": this host has no such user`);
  }
  const self = process.getuid?.();
  if (self === account.uid) return { account, prefix: [], ids: undefined };
  if (self !== 0) {
    throw new ConfigurationError(
      `Cannot run jobs as "${name}": only root can, on Linux and other Unix systems. ` +
        "Start the runner as root or without --user",
    );
  }
  const setpriv = findSetpriv(options.path);
  const ids = { uid: account.uid, gid: account.gid };
  if (setpriv === undefined) return { account, prefix: [], ids };
  return {
    account,
    prefix: [setpriv, `--reuid=${ids.uid}`, `--regid=${ids.gid}`, "--init-groups", "--"],
    ids: undefined,
  };
}

/** Busybox has a `setpriv` too, which cannot change users. */
function findSetpriv(path: string): string | undefined {
  const found = Bun.which("setpriv", { PATH: path });
  if (found === null || process.platform !== "linux") return undefined;
  return basename(realpathSync(found)) === "busybox" ? undefined : found;
}
