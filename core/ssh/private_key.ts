/** The private key of a login, from a file in any of the forms that it may have. */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ParsedKey } from "ssh2";
import { codeOf, messageOf } from "../errors.ts";
import type { Secret } from "../util/secret.ts";
import { SshRefusal } from "./refusal.ts";
import { wireString } from "./wire.ts";

/** The variable that has the passphrase of an encrypted identity file. */
export const PASSPHRASE_VARIABLE = "SSH_PASSPHRASE";

/** Throws SshRefusal that says what to do about it. */
export async function readPrivateKey(path: string, passphrase: Secret): Promise<ParsedKey> {
  const text = await readKeyFile(path);
  const secret = passphrase.isEmpty ? undefined : passphrase.reveal();
  const { default: ssh } = await import("ssh2");
  let key: ParsedKey | Error;
  try {
    key = ssh.utils.parseKey(isPkcs8(text) ? fromPkcs8(text, secret) : text, secret);
  } catch (error) {
    key = error instanceof Error ? error : new Error(String(error));
  }
  if (key instanceof Error) throw new SshRefusal(badKey(path, text, key.message, passphrase));
  if (key.isPrivateKey()) return key;
  throw new SshRefusal(
    `identity_file "${path}" is a public key: name the private one, which usually has the same ` +
      "name without .pub",
  );
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const advice = codeOf(cause) === "EACCES" || codeOf(cause) === "EPERM"
      ? `: the user who runs the runner (id ${process.getuid?.() ?? "unknown"}) has to be able to`
      : "";
    const why = `Cannot read identity_file "${path}"${advice}: ${messageOf(cause)}`;
    throw new SshRefusal(why, { cause });
  }
}

function badKey(path: string, text: string, why: string, passphrase: Secret): string {
  if (/encrypted|passphrase|integrity check|decrypt/i.test(why)) {
    return passphrase.isEmpty
      ? `identity_file "${path}" is encrypted: give its passphrase to the runner as ` +
        `${PASSPHRASE_VARIABLE} in its environment, or name a key without one`
      : `The passphrase in ${PASSPHRASE_VARIABLE} does not open identity_file "${path}"`;
  }
  const advice = text.startsWith("PuTTY-")
    ? `puttygen "${path}" -O private-openssh -o NEW writes it for OpenSSH`
    : text.includes("PRIVATE KEY-----")
    ? `a copy of it that ssh-keygen -p -Z aes256-ctr -f COPY has written anew may do`
    : "name a file that ssh-keygen has written";
  return `identity_file "${path}" is not a private key that is understood (${why}): ${advice}`;
}

function isPkcs8(text: string): boolean {
  return /^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----/.test(text);
}

/** ssh2 does not know what `openssl genpkey` and `ssh-keygen -m PKCS8` write; throws for other keys. */
function fromPkcs8(text: string, passphrase: string | undefined): string {
  const isEncrypted = text.startsWith("-----BEGIN ENCRYPTED");
  if (isEncrypted && passphrase === undefined) throw new Error("encrypted, without passphrase");
  const key = createPrivateKey({ key: text, format: "pem", ...isEncrypted ? { passphrase } : {} });
  switch (key.asymmetricKeyType) {
    case "rsa":
      return key.export({ type: "pkcs1", format: "pem" }).toString().trim();
    case "ec":
      return key.export({ type: "sec1", format: "pem" }).toString().trim();
    case "ed25519":
      return opensshEd25519(key);
    default:
      throw new Error(`a key of type ${key.asymmetricKeyType}`);
  }
}

/** OpenSSH's own form, which is the only one that it has for such keys. */
function opensshEd25519(key: KeyObject): string {
  const { x = "", d = "" } = key.export({ format: "jwk" });
  const [point, seed] = [x, d].map((each) => Buffer.from(each, "base64url"));
  if (point === undefined || seed === undefined) throw new Error("a key without its parts");
  const publicKey = Buffer.concat(["ssh-ed25519", point].map(wireString));
  const checks = Buffer.alloc(8);
  const secret = [wireString(Buffer.concat([seed, point])), wireString("")];
  const body = Buffer.concat([checks, publicKey, ...secret]);
  // To a multiple of eight, as OpenSSH pads.
  const padding = Buffer.from(Array.from({ length: -body.length & 7 }, (_, index) => index + 1));
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map(wireString),
    Buffer.of(0, 0, 0, 1),
    wireString(publicKey),
    wireString(Buffer.concat([body, padding])),
  ]);
  const lines = whole.toString("base64").match(/.{1,70}/g) ?? [];
  const name = "OPENSSH PRIVATE KEY-----";
  return [`-----BEGIN ${name}`, ...lines, `-----END ${name}`].join("\n");
}
