/** What a job's processes find in their environment before its own variables are set. */

import type { Account } from "../../core/util/passwd.ts";

/** By this variable all processes of one job are known. */
export const MARK_VARIABLE = "RUNNER_PROCESS_MARK";

/** Settings of the runtime that this program is made of. */
const LOADER = /^(?:BUN_.*|NODE_OPTIONS|NODE_TLS_REJECT_UNAUTHORIZED)$/;

/** What the manager alone may know: its flags can be given as variables. */
const SECRETS: ReadonlySet<string> = new Set([
  "CI_SERVER_TOKEN",
  "REGISTRATION_TOKEN",
  "CI_SERVER_REGISTRATION_TOKEN",
  "RUNNER_TOKEN",
  "CACHE_S3_ACCESS_KEY",
  "CACHE_S3_SECRET_KEY",
  "CACHE_S3_SESSION_TOKEN",
  "CACHE_GCS_PRIVATE_KEY",
  "CACHE_AZURE_ACCOUNT_KEY",
  "SSH_PASSWORD",
  "KUBERNETES_BEARER_TOKEN",
]);

/** What the service manager tells the manager alone. */
const SERVICE: ReadonlySet<string> = new Set([
  "NOTIFY_SOCKET",
  "WATCHDOG_PID",
  "WATCHDOG_USEC",
  "LISTEN_PID",
  "LISTEN_FDS",
  "LISTEN_FDNAMES",
]);

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
  const kept = Object.entries(manager).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    if (value === undefined || LOADER.test(name) || SECRETS.has(name) || SERVICE.has(name)) {
      return false;
    }
    return account === undefined || !SESSION.test(name);
  });
  const own = account === undefined ? {} : {
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
    SHELL: account.shell,
  };
  return { ...Object.fromEntries(kept), ...own };
}
