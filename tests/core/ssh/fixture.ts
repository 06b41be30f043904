/** Servers in this process, and targets to reach them and real ones. */

import type { Server as NetServer } from "node:net";
import ssh, { type AuthContext, type ServerChannel } from "ssh2";
import type { SshCredentials } from "../../../core/ssh/credentials.ts";
import type { SshTarget } from "../../../core/ssh/connection.ts";
import { Secret } from "../../../core/util/secret.ts";

export const NEVER = new AbortController().signal;
export const HOST_KEY = ssh.utils.generateKeyPairSync("ed25519").private;

export interface FakeServer {
  readonly logsIn: (login: AuthContext) => boolean;
  readonly runs?: (channel: ServerChannel) => void;
}

type AnyServer = NetServer | InstanceType<typeof ssh.Server>;

/** Servers of a test, closed after it. */
export class Servers {
  readonly #servers: AnyServer[] = [];

  /** Its port. */
  async serve({ logsIn, runs }: FakeServer): Promise<number> {
    const server = new ssh.Server({ hostKeys: [HOST_KEY] }, (client) => {
      client.on("authentication", (login) => logsIn(login) ? login.accept() : login.reject());
      client.on("session", (accept) => accept().on("exec", (take) => runs?.(take())));
      client.on("error", () => {});
    });
    return await this.listen(server);
  }

  /** On a port of its own, which it returns. */
  async listen(server: AnyServer): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    this.#servers.push(server);
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }
}

/** What there is to log in with, of which most tests want one thing. */
export interface Login {
  readonly password?: string;
  readonly identityFile?: string;
  readonly passphrase?: string;
  readonly agent?: string;
}

export function targetAt(
  port: number,
  { password = "", identityFile = "", passphrase = "", agent = "" }: Login = {},
  more: Partial<Omit<SshTarget, "credentials">> = {},
): SshTarget {
  const credentials: SshCredentials = {
    password: new Secret(password),
    identityFile,
    passphrase: new Secret(passphrase),
    agent,
  };
  return {
    host: "127.0.0.1",
    port,
    user: "somebody",
    tries: 1,
    trust: { kind: "any" },
    ...more,
    credentials,
  };
}
