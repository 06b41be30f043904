/** What a job's processes find in their environment before its own variables are set. */

import { inheritedEnvironment } from "../../core/util/inherited_environment.ts";
import type { Account } from "../../core/util/passwd.ts";

/** By this variable all processes of one job are known. */
export const MARK_VARIABLE = "RUNNER_PROCESS_MARK";

/** What belongs to the session of the user who started the manager. */
const SESSION = /^(?:MAIL|XDG_(?:RUNTIME_DIR|SESSION_.*)|DBUS_SESSION_BUS_ADDRESS|SUDO_.*)$/;

/**
 * The manager's environment as GitLab Runner hands it on, less the runtime's settings, the manager's
 * secrets and what its service manager told it. With `account`, HOME, USER, LOGNAME and SHELL are
 * that account's and the starting user's session variables are left out; PATH stays, and the login
 * shell's profile sets it as the system wants.
 */
export function jobEnvironment(
  manager: Readonly<Record<string, string | undefined>>,
  account: Account | undefined,
): Readonly<Record<string, string>> {
  const kept = Object.entries(inheritedEnvironment(manager)).filter(([name]) =>
    account === undefined || !SESSION.test(name)
  );
  const own = account === undefined ? {} : {
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
    SHELL: account.shell,
  };
  return { ...Object.fromEntries(kept), ...own };
}
