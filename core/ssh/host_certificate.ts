/** Certificates of OpenSSH for servers: an authority vouches for a server's key. */

import { constants, createPublicKey, verify } from "node:crypto";
import { fingerprint, type HostKey, hostKey } from "./host_key.ts";
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

/** Of key types whose certificates can be used; of others, the plain key can. */
export const CERTIFICATE_ALGORITHMS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
].map((type) => `${type}${SUFFIX}`);

/** Throws RangeError when it is cut short, or of a type that is not in {@link CERTIFICATE_ALGORITHMS}. */
export function parseHostCertificate(wire: Uint8Array): HostCertificate {
  const bytes = Buffer.from(wire);
  const reader = new WireReader(bytes);
  const name = reader.text();
  if (!CERTIFICATE_ALGORITHMS.includes(name)) throw new RangeError(`a certificate of type ${name}`);
  const type = name.slice(0, -SUFFIX.length);
  reader.string(); // A nonce.
  // ECDSA names its curve in front of the point.
  const fields = type === "ssh-ed25519" ? [reader.string()] : [reader.string(), reader.string()];
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
  const { authority, principals, criticalOptions, validAfter, validBefore } = certificate;
  const signer = hostKey(authority);
  const shown = `a certificate of the authority ${fingerprint(signer)}`;
  if (!wanted.authorities.some(({ base64 }) => base64 === signer.base64)) {
    return `${shown}, which is not one that vouches for it`;
  }
  if (!isSignedBy(certificate)) return `${shown} that the authority has not signed`;
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

/** SHA-1 is not taken, as OpenSSH does not. */
function isSignedBy({ authority, signed, signature }: HostCertificate): boolean {
  const reader = new WireReader(signature);
  const algorithm = reader.text();
  const value = reader.string();
  const key = new WireReader(authority);
  const type = key.text();
  switch (type) {
    case "ssh-ed25519": {
      if (algorithm !== type) return false;
      const x = key.string().toString("base64url");
      return verify(null, signed, jwk({ kty: "OKP", crv: "Ed25519", x }), value);
    }
    case "ssh-rsa": {
      const hash = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[algorithm];
      if (hash === undefined) return false;
      const [e, n] = [key.string(), key.string()].map((each) =>
        unsigned(each).toString("base64url")
      );
      const padding = constants.RSA_PKCS1_PADDING;
      return verify(hash, signed, { key: jwk({ kty: "RSA", e, n }), padding }, value);
    }
    case "ecdsa-sha2-nistp256":
      return algorithm === type &&
        isSignedOnCurve(key, { crv: "P-256", bytes: 32, hash: "sha256" });
    case "ecdsa-sha2-nistp384":
      return algorithm === type &&
        isSignedOnCurve(key, { crv: "P-384", bytes: 48, hash: "sha384" });
    case "ecdsa-sha2-nistp521":
      return algorithm === type &&
        isSignedOnCurve(key, { crv: "P-521", bytes: 66, hash: "sha512" });
    default:
      return false;
  }

  function isSignedOnCurve(
    rest: WireReader,
    { crv, bytes, hash }: { crv: string; bytes: number; hash: string },
  ): boolean {
    rest.string();
    const point = rest.string();
    const [x, y] = [1, 1 + bytes].map((at) => point.subarray(at, at + bytes).toString("base64url"));
    const numbers = new WireReader(value);
    const both = [numbers.string(), numbers.string()].map((each) =>
      Buffer.concat([Buffer.alloc(bytes), unsigned(each)]).subarray(-bytes)
    );
    const its = { key: jwk({ kty: "EC", crv, x, y }), dsaEncoding: "ieee-p1363" } as const;
    return verify(hash, signed, its, Buffer.concat(both));
  }
}

function jwk(key: Readonly<Record<string, string | undefined>>) {
  return createPublicKey({ key, format: "jwk" });
}

/** A number without the zero byte that tells it from a negative one. */
function unsigned(number: Buffer): Buffer {
  return number[0] === 0 ? number.subarray(1) : number;
}
