/** Certificates of a real OpenSSH server, signed by its own tools. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateRefusal, parseHostCertificate } from "../../../core/ssh/host_certificate.ts";
import { hostKey } from "../../../core/ssh/host_key.ts";
import { SshConnection } from "../../../core/ssh/connection.ts";
import { Secret } from "../../../core/util/secret.ts";
import { makeKey, missingForSshd, type SshdOptions, startSshd } from "../../fixtures/sshd.ts";

setDefaultTimeout(30_000);

test("a certificate with one other byte is not the authority's", () => {
  const directory = mkdtempSync(join(tmpdir(), "runner-ca-"));
  for (const name of ["ca", "host"]) makeKey(join(directory, name), "ed25519");
  const sign = [
    "ssh-keygen",
    "-q",
    "-s",
    join(directory, "ca"),
    "-I",
    "test",
    "-h",
    "-n",
    "server",
  ];
  expect(Bun.spawnSync([...sign, join(directory, "host.pub")]).exitCode).toBe(0);
  const wire = (name: string) =>
    Buffer.from(readFileSync(join(directory, name), "utf8").split(" ")[1] ?? "", "base64");
  const genuine = wire("host-cert.pub");
  const wanted = { host: "server", authorities: [hostKey(wire("ca.pub"))], now: Date.now() };
  expect(certificateRefusal(parseHostCertificate(genuine), wanted)).toBeUndefined();
  const forged = Buffer.from(genuine);
  forged.write("sorver", genuine.indexOf("server"));
  expect(certificateRefusal(parseHostCertificate(forged), { ...wanted, host: "sorver" }))
    .toContain("that the authority has not signed");
  for (let length = 0; length < genuine.length; length++) {
    expect(() => parseHostCertificate(genuine.subarray(0, length))).toThrow(RangeError);
  }
  rmSync(directory, { recursive: true });
});

const missing = missingForSshd();

if (missing === undefined) describe("a server with a certificate", suite);
else test.skip(`a server with a certificate: NOT RUN, ${missing}`, () => {});

type KeyType = "ed25519" | "rsa" | "ecdsa";

interface Attempt extends SshdOptions {
  /** Type of the authority's key. */
  readonly authority?: KeyType;
  /** Arguments of `ssh-keygen`. */
  readonly how?: readonly string[];
  /** `known_hosts`; `{ca}`, `{other}` and `{key}` are public keys. */
  readonly known?: string;
}

const FOR_HOST = ["-h", "-n", "127.0.0.1"];

function suite(): void {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "runner-ca-"));
    for (const type of ["ed25519", "rsa", "ecdsa"]) makeKey(join(directory, type), type);
    makeKey(join(directory, "other"), "ed25519");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Undefined: a program ran there; else why not. */
  async function attempt(options: Attempt): Promise<string | undefined> {
    const { authority = "ed25519", how = FOR_HOST, known = "@cert-authority * {ca}" } = options;
    await using sshd = await startSshd({
      ...options,
      certified: { authority: join(directory, authority), how },
    });
    const path = join(directory, "known");
    const publicKey = (name: string) => readFileSync(join(directory, `${name}.pub`), "utf8").trim();
    writeFileSync(
      path,
      known.replaceAll("{ca}", publicKey(authority)).replaceAll("{other}", publicKey("other"))
        .replaceAll("{key}", sshd.publicKeys[0] ?? "").replaceAll("{port}", String(sshd.port)),
    );
    const none = new Secret("");
    const { signal } = new AbortController();
    try {
      await using connection = await SshConnection.open({
        host: "127.0.0.1",
        port: sshd.port,
        user: "root",
        tries: 1,
        trust: { kind: "known-hosts", path },
        credentials: {
          password: none,
          identityFile: sshd.keys.friend,
          passphrase: none,
          agent: "",
        },
      }, { signal });
      const sinks = { output: () => undefined, errors: () => {} };
      const command = "head -c 3000000 /dev/zero; exit 3";
      const process = await connection.start(command, sinks, { signal });
      expect(await process.ended).toEqual({ kind: "exited", code: 3 });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  const types: readonly KeyType[] = ["ed25519", "rsa", "ecdsa"];
  test.each(
    types.flatMap((authority) => types.map((key) => [key, authority] as const)),
  )("is reached by its %s key that a %s authority has signed", async (key, authority) => {
    expect(await attempt({ hostKeys: [key], authority })).toBeUndefined();
  });

  test.each<readonly [string, Attempt]>([
    ["keys that are changed all the time", { lines: ["RekeyLimit 200K"] }],
    ["a certificate without names", { how: ["-h"] }],
    ["a certificate with a pattern", { how: ["-h", "-n", "a,127.0.0.*"] }],
    ["an authority for its address and port", { known: "@cert-authority [127.0.0.1]:{port} {ca}" }],
    ["its plain key beside a stranger's authority", {
      known: "@cert-authority other.example {other}\n[127.0.0.1]:{port} {key}",
    }],
    ["an RSA key that is changed all the time", {
      hostKeys: ["rsa"],
      lines: ["RekeyLimit 200K"],
    }],
    ["an RSA key whose server prefers SHA-256", {
      hostKeys: ["rsa"],
      lines: ["HostKeyAlgorithms rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-256"],
    }],
    ["its plain key beside a stranger's authority for all", {
      known: "@cert-authority * {other}\n[127.0.0.1]:{port} {key}",
    }],
  ])("is reached with %s", async (_what, options) => {
    expect(await attempt(options)).toBeUndefined();
  });

  test.each<readonly [string, Attempt, string]>([
    ["of another authority", { known: "@cert-authority * {other}" }, "is not one that vouches"],
    ["for another host", { how: ["-h", "-n", "elsewhere"] }, "for elsewhere"],
    ["for users", { how: ["-n", "127.0.0.1"] }, "that is for users"],
    ["that has expired", { how: [...FOR_HOST, "-V", "20200101:20210101"] }, "that has expired"],
    ["of the future", { how: [...FOR_HOST, "-V", "20900101:20910101"] }, "is not valid yet"],
    ["with conditions", {
      how: [...FOR_HOST, "-O", "critical:x@example.com=y"],
    }, "conditions that are not understood: x@example.com"],
    ["of a revoked authority", { known: "@cert-authority * {ca}\n@revoked * {ca}" }, "revokes"],
    ["of a revoked key", { known: "@cert-authority * {ca}\n@revoked * {key}" }, "revokes"],
    ["that it does not show", {
      lines: ["HostKeyAlgorithms ssh-ed25519"],
    }, "shows no certificate: its ssh-ed25519 key"],
    ["that has a signature with SHA-1", {
      authority: "rsa",
      how: [...FOR_HOST, "-t", "ssh-rsa"],
    }, "that the authority has not signed"],
  ])("is refused with a certificate %s", async (_what, options, words) => {
    expect(await attempt(options)).toContain(words);
  });
}
