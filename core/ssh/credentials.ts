/** How to log in: in the order in which OpenSSH tries. */

import { readFile } from "node:fs/promises";
import type { AnyAuthMethod, AuthenticationType } from "ssh2";
import { messageOf } from "../errors.ts";
import type { Secret } from "../util/secret.ts";
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

/** The variable that has the passphrase of an encrypted identity file. */
export const PASSPHRASE_VARIABLE = "SSH_PASSPHRASE";

/** Throws SshRefusal when the key cannot be used. */
export async function loginMethods(
  user: string,
  credentials: SshCredentials,
): Promise<readonly AnyAuthMethod[]> {
  const { password, identityFile, passphrase, agent } = credentials;
  const methods: AnyAuthMethod[] = [];
  if (identityFile !== "") {
    const key = await privateKey(identityFile, passphrase);
    methods.push({ type: "publickey", username: user, ...key });
  }
  if (!password.isEmpty) {
    const secret = password.reveal();
    methods.push({ type: "password", username: user, password: secret });
    methods.push({
      type: "keyboard-interactive",
      username: user,
      prompt: (_name, _instructions, _language, prompts, answer) =>
        answer(prompts.map(({ echo }) => echo ? "" : secret)),
    });
  }
  if (methods.length === 0 && agent !== "") {
    methods.push({ type: "agent", username: user, agent });
  }
  return methods;
}

async function privateKey(path: string, passphrase: Secret) {
  let key: Buffer;
  try {
    key = await readFile(path);
  } catch (cause) {
    throw new SshRefusal(`Cannot read identity_file "${path}": ${messageOf(cause)}`, { cause });
  }
  const { default: ssh } = await import("ssh2");
  const secret = passphrase.isEmpty ? undefined : passphrase.reveal();
  const parsed = ssh.utils.parseKey(key, secret);
  if (parsed instanceof Error) throw new SshRefusal(badKey(path, parsed.message, passphrase));
  return { key, ...(secret === undefined ? {} : { passphrase: secret }) };
}

function badKey(path: string, why: string, passphrase: Secret): string {
  if (!/encrypted|passphrase|integrity check/i.test(why)) {
    return `Cannot use identity_file "${path}": ${why}`;
  }
  return passphrase.isEmpty
    ? `identity_file "${path}" is encrypted: give its passphrase to the runner as ` +
      `${PASSPHRASE_VARIABLE} in its environment, or name a key without one`
    : `The passphrase in ${PASSPHRASE_VARIABLE} does not open identity_file "${path}"`;
}

/** What was tried, for a message. */
export function loginWords(methods: readonly { readonly type: AuthenticationType }[]): string {
  const words: Partial<Record<AuthenticationType, string>> = {
    publickey: "identity_file",
    password: "password",
    agent: "agent",
  };
  return methods.flatMap(({ type }) => words[type] ?? []).join(", ") || "nothing to log in with";
}
