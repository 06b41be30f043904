/** A server's public key: its type, its fingerprint, and the algorithms it can sign with. */

import { createHash } from "node:crypto";

export interface HostKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`… */
  readonly type: string;
  /** The key as it goes over the wire, in base64: what `known_hosts` holds. */
  readonly base64: string;
}

/** Reads the type that stands, behind its length, at the start of every key. */
export function hostKey(wire: Uint8Array): HostKey {
  const bytes = Buffer.from(wire);
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  return { type: bytes.toString("latin1", 4, 4 + length), base64: bytes.toString("base64") };
}

/** As OpenSSH prints it: `SHA256:` and base64 without padding. */
export function fingerprint(key: HostKey): string {
  const digest = createHash("sha256").update(Buffer.from(key.base64, "base64")).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** What we can check a signature of, best first. */
const ALGORITHMS: readonly (readonly [type: string, algorithms: readonly string[]])[] = [
  ["ssh-ed25519", ["ssh-ed25519"]],
  ["ecdsa-sha2-nistp256", ["ecdsa-sha2-nistp256"]],
  ["ecdsa-sha2-nistp384", ["ecdsa-sha2-nistp384"]],
  ["ecdsa-sha2-nistp521", ["ecdsa-sha2-nistp521"]],
  ["ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]],
];

/**
 * The algorithms to ask a server for: first those of the key types that are known of it, because it
 * shows one key only. The others follow, so that the key of a stranger can be named in a message.
 */
export function hostKeyAlgorithms(knownTypes: ReadonlySet<string>): readonly string[] {
  const of = (wanted: boolean) =>
    ALGORITHMS.flatMap(([type, algorithms]) => knownTypes.has(type) === wanted ? algorithms : []);
  return [...of(true), ...of(false)];
}
