/** Where jobs of a runner entry go: `[runners.ssh]` with the job's variables in it. */

import { join } from "node:path";
import type { RunnerConfig, SshConfig } from "../../core/config/schema.ts";
import { ConfigurationError, SystemFailure } from "../../core/errors.ts";
import { PASSPHRASE_VARIABLE, type SshTarget, USUAL_TRIES } from "../../core/ssh/mod.ts";
import { Secret } from "../../core/util/secret.ts";

/** The manager's side: where its user's files are, and what only it is told. */
export interface Manager {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
}

/** Throws ConfigurationError. */
export function sshConfig(config: RunnerConfig): SshConfig {
  if (config.ssh !== undefined) return config.ssh;
  throw new ConfigurationError(
    `Runner "${config.name}" has the executor "${config.executor}" but no [runners.ssh] section`,
  );
}

/** As GitLab Runner, where nobody is named. */
const DEFAULT_USER = "root";

/** Throws SystemFailure for what no server can be found by. */
export function sshTarget(
  ssh: SshConfig,
  expand: (text: string) => string,
  { env, home }: Manager,
): SshTarget {
  const port = expand(ssh.port);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw new SystemFailure(`[runners.ssh] has the port "${port}", which is not one of 1 to 65535`);
  }
  const known = ssh.known_hosts_file || join(home || "/root", ".ssh", "known_hosts");
  return {
    host: expand(ssh.host) || "localhost",
    port: Number(port),
    user: expand(ssh.user) || DEFAULT_USER,
    trust: ssh.disable_strict_host_key_checking
      ? { kind: "any" }
      : { kind: "known-hosts", path: known },
    credentials: {
      password: new Secret(expand(ssh.password.reveal())),
      identityFile: expand(ssh.identity_file),
      passphrase: new Secret(env[PASSPHRASE_VARIABLE] ?? ""),
      agent: env["SSH_AUTH_SOCK"] ?? "",
    },
    tries: USUAL_TRIES,
  };
}
