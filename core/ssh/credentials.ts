/** What there is to log in with, and the ways in which it can be used. */

import type { AnyAuthMethod } from "ssh2";
import { messageOf } from "../errors.ts";
import { abortable, deadline, DeadlineExceeded } from "../util/abort.ts";
import type { Secret } from "../util/secret.ts";
import { fingerprint, hostKey } from "./host_key.ts";
import { readPrivateKey } from "./private_key.ts";
import { SshRefusal } from "./refusal.ts";

export interface SshCredentials {
  readonly password: Secret;
  /** Path of a private key; empty: none. */
  readonly identityFile: string;
  /** Of that key, where it is encrypted. */
  readonly passphrase: Secret;
  /** Socket of an agent, asked when there is neither a key nor a password; empty: none. */
  readonly agent: string;
}

export interface LoginWay {
  readonly method: AnyAuthMethod;
  /** What servers call it. */
  readonly name: string;
  /** What an operator calls it. */
  readonly word: string;
  /** What has to be so for it to work. */
  readonly condition: string;
  /** What the server said against it on the way; undefined: nothing that can be understood. */
  readonly complaint?: () => string | undefined;
}

/** How to get out of it, wherever it shows. */
export const EXPIRED_PASSWORD =
  "the password has expired: log in there once by hand to change it, or have the account's " +
  "password not expire (chage -M -1)";

/** An agent on this machine answers at once, unless it asks a person. */
const AGENT_MS = 10_000;

/** In the order in which OpenSSH tries. Throws SshRefusal when the key or the agent is of no use. */
export async function loginWays(
  user: string,
  { password, identityFile, passphrase, agent }: SshCredentials,
  options: { signal: AbortSignal },
): Promise<readonly LoginWay[]> {
  const found: LoginWay[] = [];
  if (identityFile !== "") {
    const key = await readPrivateKey(identityFile, passphrase);
    const its = fingerprint(hostKey(key.getPublicSSH()));
    found.push({
      method: { type: "publickey", username: user, key },
      name: "publickey",
      word: "identity_file",
      condition: `the public key of "${identityFile}", ${its}, ${isAuthorized(user)}`,
    });
  }
  if (!password.isEmpty) found.push(...passwordWays(user, password.reveal()));
  if (found.length === 0 && agent !== "") {
    const keys = await countKeys(agent, options);
    found.push({
      method: { type: "agent", username: user, agent },
      name: "publickey",
      word: `agent with ${keys} key${keys === 1 ? "" : "s"}`,
      condition: `a key of the agent ${isAuthorized(user)}. A server takes few tries ` +
        "(MaxAuthTries), so that with many keys identity_file has to name the right one",
    });
  }
  return found;
}

function passwordWays(username: string, password: string): readonly LoginWay[] {
  const its = {
    word: "password",
    condition: `the password has to be that of "${username}", who has to be allowed to use one`,
  };
  let isAnswered = false;
  let hasExpired = false;
  return [
    { ...its, method: { type: "password", username, password }, name: "password" },
    {
      ...its,
      method: {
        type: "keyboard-interactive",
        username,
        // Once: what is asked for next is another secret, or a new password.
        prompt: (_name, instructions, _language, prompts, answer) => {
          const words = [instructions, ...prompts.map(({ prompt }) => prompt)].join(" ");
          hasExpired ||= isAnswered && /new password|expired/i.test(words);
          answer(prompts.map(({ echo }) => echo || isAnswered ? "" : password));
          isAnswered ||= prompts.length > 0;
        },
      },
      name: "keyboard-interactive",
      complaint: () => hasExpired ? EXPIRED_PASSWORD : undefined,
    },
  ];
}

function isAuthorized(user: string): string {
  return `has to stand in ~/.ssh/authorized_keys of "${user}" there, and nobody else may be able ` +
    "to write to that file or its directories";
}

/** Throws SshRefusal when there are none. */
async function countKeys(agent: string, { signal }: { signal: AbortSignal }): Promise<number> {
  const { default: ssh } = await import("ssh2");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const advice = "or set identity_file in [runners.ssh]";
  const late = () => new DeadlineExceeded("Its answer", AGENT_MS);
  using limit = deadline(AGENT_MS, late, signal);
  let count: number;
  try {
    ssh.createAgent(agent).getIdentities((error, keys) => {
      if (error) reject(error);
      else resolve(keys?.length ?? 0);
    });
    count = await abortable(promise, limit.signal);
  } catch (cause) {
    signal.throwIfAborted();
    const why = `Cannot ask the agent at "${agent}" (SSH_AUTH_SOCK): ${messageOf(cause)}`;
    throw new SshRefusal(`${why}. Start it, ${advice}`, { cause });
  }
  if (count > 0) return count;
  throw new SshRefusal(
    `The agent at "${agent}" (SSH_AUTH_SOCK) has no keys: add one with ssh-add, ${advice}`,
  );
}
