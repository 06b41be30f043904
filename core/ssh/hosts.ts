/** All machines that a process logs in to, so that its jobs share the connections. */

import { createHash } from "node:crypto";
import type { SshTarget } from "./connection.ts";
import { SshHost } from "./host.ts";

export class SshHosts implements AsyncDisposable {
  readonly #hosts = new Map<string, SshHost>();

  /** The one for this server, user and way to log in. */
  at(target: SshTarget): SshHost {
    for (const [key, host] of this.#hosts) if (!host.isConnected) this.#hosts.delete(key);
    const key = keyOf(target);
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const host = new SshHost(target);
    this.#hosts.set(key, host);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host[Symbol.asyncDispose]()));
    this.#hosts.clear();
  }
}

/** A hash, because there are secrets in it. */
function keyOf({ host, port, user, trust, credentials }: SshTarget): string {
  const { password, identityFile, passphrase, agent } = credentials;
  const login = [password.reveal(), identityFile, passphrase.reveal(), agent];
  return createHash("sha256").update(JSON.stringify([host, port, user, trust, login]))
    .digest("base64");
}
