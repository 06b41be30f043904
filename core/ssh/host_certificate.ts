/** Certificates of OpenSSH for servers: an authority vouches for a server's key. */

import { fingerprint, type HostKey, hostKey } from "./host_key.ts";
import { isSignedBy } from "./key_signature.ts";
import { matchesHost } from "./known_hosts.ts";
import { WireReader, wireString } from "./wire.ts";

/** What the names of key types with a certificate end with. */
const SUFFIX = "-cert-v01@openssh.com";

export interface HostCertificate {
  /** The server's key, without the certificate, as it goes over the wire. */
  readonly key: Buffer;
  /** For a server, and not for a user. */
  readonly isForHost: boolean;
  /** Names that it is good for; empty: any. */
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** Names of conditions; there are none for servers. */
  readonly criticalOptions: readonly string[];
  /** As it goes over the wire. */
  readonly authority: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export function isCertificate({ type }: HostKey): boolean {
  return type.endsWith(SUFFIX);
}

/** OpenSSH's own list, best first, but for keys in hardware, which servers do not have. */
export const CERTIFICATE_ALGORITHMS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
].map((algorithm) => `${algorithm}${SUFFIX}`);

/** How a key with a certificate signs, of one of {@link CERTIFICATE_ALGORITHMS}. */
export function plainAlgorithm(algorithm: string): string {
  return algorithm.slice(0, -SUFFIX.length);
}

/** What a certificate calls itself, of one of {@link CERTIFICATE_ALGORITHMS}. */
export function certificateType(algorithm: string): string {
  return algorithm.startsWith("rsa-") ? `ssh-rsa${SUFFIX}` : algorithm;
}

/** How many strings a key consists of behind its type: ECDSA names its curve in front of the point. */
const KEY_STRINGS: Readonly<Record<string, number>> = {
  "ssh-ed25519": 1,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
  "ssh-rsa": 2,
};

/** Throws RangeError when it is cut short, or of a type that no algorithm is for. */
export function parseHostCertificate(wire: Uint8Array): HostCertificate {
  const bytes = Buffer.from(wire);
  const reader = new WireReader(bytes);
  const name = reader.text();
  const type = name.slice(0, -SUFFIX.length);
  const strings = name.endsWith(SUFFIX) ? KEY_STRINGS[type] : undefined;
  if (strings === undefined) throw new RangeError(`a certificate of type ${name}`);
  reader.string(); // A nonce.
  const fields = Array.from({ length: strings }, () => reader.string());
  reader.uint64(); // A serial number.
  const isForHost = reader.uint32() === 2;
  reader.string(); // A name for logs.
  const principals = WireReader.texts(reader.string());
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const options = WireReader.texts(reader.string());
  reader.string(); // Extensions are for users.
  reader.string();
  const authority = reader.string();
  const signed = bytes.subarray(0, reader.position);
  return {
    key: Buffer.concat([wireString(type), ...fields.map(wireString)]),
    isForHost,
    principals,
    validAfter,
    validBefore,
    // Each name is followed by its data.
    criticalOptions: options.filter((_, index) => index % 2 === 0),
    authority,
    signed,
    signature: reader.string(),
  };
}

/** Why the certificate does not prove who the server is; undefined: it does. */
export function certificateRefusal(
  certificate: HostCertificate,
  wanted: {
    readonly host: string;
    readonly authorities: readonly HostKey[];
    /** Milliseconds since 1970. */
    readonly now: number;
  },
): string | undefined {
  const { authority, signed, signature } = certificate;
  const { principals, criticalOptions, validAfter, validBefore } = certificate;
  const signer = hostKey(authority);
  const shown = `a certificate of the authority ${fingerprint(signer)}`;
  if (!wanted.authorities.some(({ base64 }) => base64 === signer.base64)) {
    return `${shown}, which is not one that vouches for it`;
  }
  if (!isSignedBy(authority, signed, signature)) {
    return `${shown} that the authority has not signed`;
  }
  if (!certificate.isForHost) return `${shown} that is for users`;
  const seconds = BigInt(Math.floor(wanted.now / 1000));
  if (seconds < validAfter) return `${shown} that is not valid yet`;
  if (seconds >= validBefore) return `${shown} that has expired`;
  if (principals.length > 0 && !principals.some((name) => matchesHost(name, wanted.host))) {
    return `${shown} for ${principals.join(", ")}`;
  }
  if (criticalOptions.length > 0) {
    return `${shown} with conditions that are not understood: ${criticalOptions.join(", ")}`;
  }
  return undefined;
}
