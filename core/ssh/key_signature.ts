/** Signatures that were made with keys of OpenSSH. */

import { constants, createHash, createPublicKey, verify } from "node:crypto";
import { WireReader } from "./wire.ts";

type Check = (message: Buffer, value: Buffer) => boolean;

const CURVES: Readonly<Record<string, { crv: string; bytes: number; hash: string }>> = {
  "ecdsa-sha2-nistp256": { crv: "P-256", bytes: 32, hash: "sha256" },
  "ecdsa-sha2-nistp384": { crv: "P-384", bytes: 48, hash: "sha384" },
  "ecdsa-sha2-nistp521": { crv: "P-521", bytes: 66, hash: "sha512" },
};

/** SHA-1 is not taken, as OpenSSH does not. */
const RSA_HASHES: Readonly<Record<string, string>> = {
  "rsa-sha2-256": "sha256",
  "rsa-sha2-512": "sha512",
};

/** What a key in hardware is like. */
const IN_HARDWARE: Readonly<Record<string, string>> = {
  "sk-ssh-ed25519@openssh.com": "ssh-ed25519",
  "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa-sha2-nistp256",
};

/**
 * Whether `key` has signed `message`; false also for a type of key that is not known. Key and
 * signature are as they go over the wire. Throws RangeError where one is cut short.
 */
export function isSignedBy(key: Buffer, message: Buffer, signature: Buffer): boolean {
  const fields = new WireReader(key);
  const type = fields.text();
  const proof = new WireReader(signature);
  const algorithm = proof.text();
  const value = proof.string();
  if (type === "ssh-rsa") return checkOfRsa(fields, algorithm)(message, value);
  if (algorithm !== type) return false;
  const plain = IN_HARDWARE[type];
  if (plain === undefined) return checkOfCurve(fields, type)(message, value);
  const check = checkOfCurve(fields, plain);
  // The hardware signs also for whom, and that somebody has touched it.
  const application = fields.string();
  const said = signature.subarray(proof.position);
  return check(Buffer.concat([sha256(application), said, sha256(message)]), value);
}

function checkOfRsa(fields: WireReader, algorithm: string): Check {
  const hash = RSA_HASHES[algorithm];
  if (hash === undefined) return () => false;
  const [e, n] = [fields.string(), fields.string()].map((each) => base64(unsigned(each)));
  const key = jwk({ kty: "RSA", e, n });
  const padding = constants.RSA_PKCS1_PADDING;
  return (message, value) => verify(hash, message, { key, padding }, value);
}

function checkOfCurve(fields: WireReader, type: string): Check {
  if (type === "ssh-ed25519") {
    const key = jwk({ kty: "OKP", crv: "Ed25519", x: base64(fields.string()) });
    return (message, value) => verify(null, message, key, value);
  }
  const curve = CURVES[type];
  if (curve === undefined) return () => false;
  const { crv, bytes, hash } = curve;
  fields.string();
  const point = fields.string();
  const [x, y] = [1, 1 + bytes].map((at) => base64(point.subarray(at, at + bytes)));
  const key = jwk({ kty: "EC", crv, x, y });
  return (message, value) => {
    const numbers = new WireReader(value);
    const both = [numbers.string(), numbers.string()].map((each) =>
      Buffer.concat([Buffer.alloc(bytes), unsigned(each)]).subarray(-bytes)
    );
    return verify(hash, message, { key, dsaEncoding: "ieee-p1363" }, Buffer.concat(both));
  };
}

function jwk(key: Readonly<Record<string, string | undefined>>) {
  return createPublicKey({ key, format: "jwk" });
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64url");
}

/** A number without the zero byte that tells it from a negative one. */
function unsigned(number: Buffer): Buffer {
  return number[0] === 0 ? number.subarray(1) : number;
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
