/** A certificate is public: who shows one must also have the key that it is for. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh, { type ParsedKey } from "ssh2";
import { allowCertificates } from "../../../core/ssh/certified_exchange.ts";
import { SshConnection } from "../../../core/ssh/connection.ts";
import { Secret } from "../../../core/util/secret.ts";
import { makeKey } from "../../fixtures/sshd.ts";

setDefaultTimeout(30_000);

const directory = mkdtempSync(join(tmpdir(), "runner-stolen-"));
const closing: (() => void)[] = [];
beforeAll(() => {
  for (const each of ["authority", "host", "thief"]) makeKey(at(each), "ed25519");
  const how = ["-h", "-I", "test", "-n", "127.0.0.1"];
  Bun.spawnSync(["ssh-keygen", "-q", "-s", at("authority"), ...how, at("host.pub")]);
  writeFileSync(at("known"), `@cert-authority * ${text("authority.pub")}`);
});
afterAll(() => {
  for (const close of closing) close();
  rmSync(directory, { recursive: true });
});
const at = (name: string) => join(directory, name);
const text = (name: string) => readFileSync(at(name), "utf8");

test.each([
  ["its own key", "host", undefined],
  ["another key", "thief", "signature verification failed"],
])("a server that shows a certificate and has %s", async (_what, name, why) => {
  const certificate = Buffer.from(text("host-cert.pub").split(" ")[1] ?? "", "base64");
  expect(await reach(await serve(text(name), certificate))).toEqual(
    why === undefined ? undefined : expect.stringContaining(why),
  );
});

/** ssh2's servers show no certificates, unless they take one for a key. Its port. */
async function serve(privateKey: string, certificate: Buffer): Promise<number> {
  await allowCertificates();
  const key = ssh.utils.parseKey(privateKey) as ParsedKey;
  const type = "ssh-ed25519-cert-v01@openssh.com";
  let exchange: { readonly negotiated: { serverHostKey: string } } | undefined;
  const server = new ssh.Server({
    hostKeys: [{
      key: Object.assign(Object.create(key), {
        type,
        getPublicSSH: () => certificate,
        sign(data: Buffer) {
          if (exchange !== undefined) exchange.negotiated.serverHostKey = "ssh-ed25519";
          return key.sign(data);
        },
      }),
      passphrase: "",
    }],
    algorithms: { serverHostKey: [type as "ssh-ed25519"] },
  }, (client) => {
    const { _protocol: protocol } = client as unknown as { readonly _protocol: object };
    Object.defineProperty(protocol, "_kex", {
      get: () => exchange,
      set: (its) => exchange = its,
    });
    client.on("authentication", (login) => login.accept());
    client.on("error", () => {});
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  closing.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Undefined: the login worked. */
async function reach(port: number): Promise<string | undefined> {
  const none = new Secret("");
  try {
    await using connection = await SshConnection.open({
      host: "127.0.0.1",
      port,
      user: "root",
      tries: 1,
      trust: { kind: "known-hosts", path: at("known") },
      credentials: { password: none, identityFile: "", passphrase: none, agent: "" },
    }, { signal: new AbortController().signal });
    expect(connection.isOpen).toBe(true);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
