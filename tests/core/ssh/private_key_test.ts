/** Keys as people have them, and the server that knows them. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SshConnection } from "../../../core/ssh/connection.ts";
import { readPrivateKey } from "../../../core/ssh/private_key.ts";
import { Secret } from "../../../core/util/secret.ts";
import { missingForSshd, startSshd, type TestSshd } from "../../fixtures/sshd.ts";
import { NEVER, targetAt } from "./fixture.ts";

setDefaultTimeout(30_000);

const directory = mkdtempSync(join(tmpdir(), "runner-keys-"));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);
const run = (...argv: string[]) => {
  const { exitCode, stdout } = Bun.spawnSync(argv, { stdout: "pipe", stderr: "ignore" });
  if (exitCode !== 0) throw new Error(`failed: ${argv.join(" ")}`);
  return stdout.toString();
};

const PASSPHRASE = "open sesame";
const keygen = (type: string, ...more: string[]) => (path: string) =>
  void run("ssh-keygen", "-q", "-t", type, "-f", path, ...more);
const openssl = (...how: string[]) => (path: string) =>
  void run("openssl", "genpkey", "-out", path, ...how);
const curve = (name: string) => ["-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${name}`];
const SMALL = ["-b", "2048"];
const sealed = ["-N", PASSPHRASE];
const open = ["-N", ""];

const FORMS: Readonly<Record<string, (path: string) => void>> = {
  "Ed25519 of OpenSSH": keygen("ed25519", ...open),
  "encrypted Ed25519 of OpenSSH": keygen("ed25519", ...sealed),
  "ECDSA of OpenSSH": keygen("ecdsa", "-b", "521", ...open),
  "RSA as PEM": keygen("rsa", ...SMALL, "-m", "PEM", ...open),
  "encrypted RSA as PEM": keygen("rsa", ...SMALL, "-m", "PEM", ...sealed),
  "ECDSA as PEM": keygen("ecdsa", "-m", "PEM", ...open),
  "RSA as PKCS 8": keygen("rsa", ...SMALL, "-m", "PKCS8", ...open),
  "encrypted RSA as PKCS 8": keygen("rsa", ...SMALL, "-m", "PKCS8", ...sealed),
  "Ed25519 as PKCS 8": openssl("-algorithm", "ed25519"),
  "encrypted Ed25519 as PKCS 8": openssl(
    "-algorithm",
    "ed25519",
    "-aes256",
    "-pass",
    `pass:${PASSPHRASE}`,
  ),
  "ECDSA as PKCS 8": openssl(...curve("P-256")),
};

const refusal = async (path: string, passphrase = "") =>
  await readPrivateKey(path, new Secret(passphrase)).then(
    () => "it works",
    ({ message }) => message,
  );

const missing = missingForSshd();
describe.skipIf(missing !== undefined)(missing ? `keys: NOT RUN, ${missing}` : "keys", () => {
  let sshd: TestSshd;
  beforeAll(async () => void (sshd = await startSshd()));
  afterAll(async () => await sshd[Symbol.asyncDispose]());

  test.each(Object.entries(FORMS))("%s opens a server", async (name, make) => {
    const identityFile = at(name.replaceAll(" ", "-"));
    make(identityFile);
    const passphrase = name.startsWith("encrypted") ? PASSPHRASE : "";
    const key = await readPrivateKey(identityFile, new Secret(passphrase));
    const line = `${key.type} ${key.getPublicSSH().toString("base64")}\n`;
    appendFileSync(join(sshd.directory, "authorized"), line);
    if (passphrase !== "") {
      expect(await refusal(identityFile)).toContain("is encrypted: give its passphrase");
      expect(await refusal(identityFile, "wrong")).toContain("does not open identity_file");
    }
    const target = targetAt(sshd.port, { identityFile, passphrase }, { user: "root" });
    await using connection = await SshConnection.open(target, { signal: NEVER });
    expect(connection.isOpen).toBe(true);
  });
});

test("readPrivateKey() says what to do about a file that is no key of its own", async () => {
  expect(await refusal(at("nowhere"))).toStartWith(`Cannot read identity_file "${at("nowhere")}"`);
  expect(await refusal(directory)).toContain("EISDIR");
  keygen("ed25519", ...open)(at("own"));
  expect(await refusal(at("own.pub"))).toBe(
    `identity_file "${at("own.pub")}" is a public key: name the private one, which usually has ` +
      "the same name without .pub",
  );
  writeFileSync(at("putty"), "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n");
  expect(await refusal(at("putty"))).toContain("puttygen");
  writeFileSync(at("empty"), "");
  expect(await refusal(at("empty"))).toContain("name a file that ssh-keygen has written");
  keygen("ed25519", "-Z", "chacha20-poly1305@openssh.com", ...sealed)(at("chacha"));
  expect(await refusal(at("chacha"), PASSPHRASE)).toContain("-Z aes256-ctr");
  openssl("-algorithm", "x25519")(at("exchange"));
  expect(await refusal(at("exchange"))).toContain("a key of type x25519");
});
