/** Signatures against `ssh-keygen`, which says of each whether it is good. */

import { expect, test } from "bun:test";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSignedBy } from "../../../core/ssh/key_signature.ts";
import { wireString } from "../../../core/ssh/wire.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const strings = (...values: (string | Uint8Array)[]) => Buffer.concat(values.map(wireString));

interface HardwareKey {
  readonly type: string;
  readonly wire: Buffer;
  sign(message: Buffer): Buffer;
}

/** Keys as a security key holds them: it signs its application, its flags and its counter too. */
const KEYS: readonly (readonly [string, () => HardwareKey])[] = [
  ["Ed25519", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const point = coordinates(publicKey).x;
    return hardwareKey(
      "sk-ssh-ed25519@openssh.com",
      wireString(point),
      (message) => sign(null, message, privateKey),
    );
  }],
  ["ECDSA", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x, y } = coordinates(publicKey);
    const point = strings("nistp256", Buffer.concat([Buffer.of(4), x, y]));
    return hardwareKey("sk-ecdsa-sha2-nistp256@openssh.com", point, (message) => {
      const both = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
      return strings(number(both.subarray(0, 32)), number(both.subarray(32)));
    });
  }],
];

test.each(KEYS)("isSignedBy() knows a signature of an %s key in hardware", (_type, make) => {
  const key = make();
  const content = Buffer.from("content");
  const frame = (what: Uint8Array) => strings("test", "", "sha256", what);
  const message = Buffer.concat([Buffer.from("SSHSIG"), frame(sha256(content))]);
  const signature = key.sign(message);
  expect(isGoodForOpenSsh(key, content, signature)).toBe(true);
  expect(isSignedBy(key.wire, message, signature)).toBe(true);
  for (let at = signature.length - 5; at < signature.length; at++) {
    const other = Buffer.from(signature);
    other[at] = 1 + (other[at] ?? 0);
    expect(isSignedBy(key.wire, message, other)).toBe(false);
  }
  expect(isSignedBy(key.wire, Buffer.concat([message, content]), signature)).toBe(false);
  expect(isSignedBy(make().wire, message, signature)).toBe(false);
});

function hardwareKey(type: string, point: Buffer, make: (message: Buffer) => Buffer): HardwareKey {
  const flagsAndCounter = Buffer.of(1, 0, 0, 0, 7);
  return {
    type,
    wire: Buffer.concat([wireString(type), point, wireString("ssh:")]),
    sign(message) {
      const whole = [sha256(Buffer.from("ssh:")), flagsAndCounter, sha256(message)];
      return Buffer.concat([strings(type, make(Buffer.concat(whole))), flagsAndCounter]);
    },
  };
}

function isGoodForOpenSsh(key: HardwareKey, content: Buffer, signature: Buffer): boolean {
  const directory = mkdtempSync(join(tmpdir(), "runner-signature-"));
  const at = (name: string) => join(directory, name);
  const version = Buffer.of(0, 0, 0, 1);
  const body = strings(key.wire, "test", "", "sha256", signature);
  const armour = Buffer.concat([Buffer.from("SSHSIG"), version, body]).toString("base64");
  writeFileSync(
    at("sig"),
    `-----BEGIN SSH SIGNATURE-----\n${armour}\n-----END SSH SIGNATURE-----\n`,
  );
  writeFileSync(at("signers"), `me ${key.type} ${key.wire.toString("base64")}\n`);
  const { exitCode } = Bun.spawnSync(
    ["ssh-keygen", "-Y", "verify", "-f", at("signers"), "-I", "me", "-n", "test", "-s", at("sig")],
    { stdin: content, stdout: "ignore", stderr: "ignore" },
  );
  rmSync(directory, { recursive: true });
  return exitCode === 0;
}

function coordinates(key: KeyObject): { x: Buffer; y: Buffer } {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return { x: Buffer.from(x, "base64url"), y: Buffer.from(y, "base64url") };
}

/** A number is negative when its first bit is set, so a zero byte stands in front of such. */
function number(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(start);
  return (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
}
