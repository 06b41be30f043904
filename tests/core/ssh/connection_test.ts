/** The client against a server in this process, which can do what no real one does on demand. */

import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh, { type AuthContext } from "ssh2";
import { SshConnection } from "../../../core/ssh/connection.ts";
import { SshRefusal } from "../../../core/ssh/refusal.ts";
import { HOST_KEY, NEVER, Servers, targetAt } from "./fixture.ts";

const servers = new Servers();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  servers.close();
});

async function open(port: number, password = "right"): Promise<SshConnection> {
  const connection = await SshConnection.open(targetAt(port, { password }), { signal: NEVER });
  closing.push(() => connection[Symbol.asyncDispose]());
  return connection;
}

const byPassword = (login: AuthContext) =>
  login.method === "password" && login.username === "somebody" && login.password === "right";

test("open() logs in with a password, and a wrong one is refused without it in the message", async () => {
  const port = await servers.serve({ logsIn: byPassword });
  expect((await open(port)).isOpen).toBe(true);
  const error = await open(port, "wrong-secret").catch((why) => why);
  expect(error).toBeInstanceOf(SshRefusal);
  expect(error.message).toBe(
    `Cannot connect to "somebody@127.0.0.1:${port}": the server refuses the login (tried: ` +
      'password): the password has to be that of "somebody", who has to be allowed to use one; the ' +
      "account must not be locked or have expired, and its login shell has to exist",
  );
});

test("open() answers a server that asks for the password by itself", async () => {
  const server = new ssh.Server({ hostKeys: [HOST_KEY] }, (client) => {
    client.on("authentication", (login) => {
      if (login.method !== "keyboard-interactive") return login.reject(["keyboard-interactive"]);
      login.prompt([{ prompt: "Password: ", echo: false }], ([answer]) => {
        if (answer === "right") login.accept();
        else login.reject();
      });
    });
    client.on("error", () => {});
  });
  expect((await open(await servers.listen(server))).isOpen).toBe(true);
});

test("open() refuses an unknown server, names its key and how to add it", async () => {
  const port = await servers.serve({ logsIn: byPassword });
  const directory = mkdtempSync(join(tmpdir(), "runner-ssh-"));
  closing.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "known_hosts");
  const target = targetAt(port, { password: "right" }, { trust: { kind: "known-hosts", path } });
  const error = await SshConnection.open(target, { signal: NEVER }).catch((why) => why);
  expect(error).toBeInstanceOf(SshRefusal);
  expect(error.message).toMatch(/its ssh-ed25519 key has the fingerprint SHA256:\S{43}\./);
  expect(error.message).toEndWith(`add it: ssh-keyscan -p ${port} 127.0.0.1 >> ${path}`);
});

test("start() misses nothing of a program whose end comes with its beginning", async () => {
  const port = await servers.serve({
    logsIn: byPassword,
    runs(channel) {
      channel.write("all of it");
      channel.exit(3);
      channel.end();
    },
  });
  const connection = await open(port);
  for (let round = 0; round < 50; round++) {
    let text = "";
    const output = (bytes: Uint8Array) => void (text += new TextDecoder().decode(bytes));
    const process = await connection.start("x", { output, errors: () => {} }, { signal: NEVER });
    expect(await process.ended).toEqual({ kind: "exited", code: 3 });
    expect(text).toBe("all of it");
  }
});

test("a channel that closes without an exit status is a broken connection", async () => {
  const port = await servers.serve({ logsIn: byPassword, runs: (channel) => channel.close() });
  const connection = await open(port);
  const sinks = { output: () => undefined, errors: () => {} };
  const process = await connection.start("x", sinks, { signal: NEVER });
  await expect(process.ended).rejects.toThrow("Lost the SSH connection");
});
