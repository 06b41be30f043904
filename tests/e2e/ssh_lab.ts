/** A runner whose jobs go to a test's own SSH server. */

import type { TestSshd } from "../fixtures/sshd.ts";
import { Lab, type LabOptions } from "./lab.ts";

/** A job fails for a lost connection within the keep-alives and what the machine's load adds. */
export const NOTICED_MS = 15_000;

export interface SshLabOptions extends Omit<LabOptions, "entry"> {
  /** TOML lines of the `[[runners]]` entry. */
  readonly entry?: readonly string[];
}

/** `ssh` adds to or replaces keys of `[runners.ssh]`. */
export async function openSshLab(
  sshd: Pick<TestSshd, "port" | "keys" | "knownHosts">,
  ssh: Record<string, string | boolean> = {},
  options: SshLabOptions = {},
): Promise<Lab> {
  const keys = {
    host: "127.0.0.1",
    port: String(sshd.port),
    user: "root",
    password: "secret-password",
    identity_file: sshd.keys.friend,
    known_hosts_file: sshd.knownHosts,
    ...ssh,
  };
  return await Lab.open({
    ...options,
    entry: [
      'executor = "ssh"',
      ...options.entry ?? [],
      "[runners.ssh]",
      ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
    ],
  });
}
