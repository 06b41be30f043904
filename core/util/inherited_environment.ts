/** The manager's environment, as far as programs that it starts for jobs may see it. */

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
  "SSH_PASSPHRASE",
  "KUBERNETES_BEARER_TOKEN",
  "EXEC_GITLAB_TOKEN",
  "SENTRY_DSN",
]);

/** A runner's token, under whatever name config.toml asks for it (`token = "$NAME"`). */
const RUNNER_TOKEN = /^glrtr?-/;

/** What the service manager tells the manager alone. */
const SERVICE: ReadonlySet<string> = new Set([
  "NOTIFY_SOCKET",
  "WATCHDOG_PID",
  "WATCHDOG_USEC",
  "LISTEN_PID",
  "LISTEN_FDS",
  "LISTEN_FDNAMES",
]);

/**
 * As GitLab Runner hands it on, less the runtime's settings, the manager's secrets and what its
 * service manager told it.
 */
export function inheritedEnvironment(
  manager: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(manager).filter((entry): entry is [string, string] => {
      const [name, value] = entry;
      return value !== undefined && !RUNNER_TOKEN.test(value) && !LOADER.test(name) &&
        !SECRETS.has(name) && !SERVICE.has(name);
    }),
  );
}
