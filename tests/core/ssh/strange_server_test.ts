/** What answers on a port need not be an SSH server, and not every one behaves. */

import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import ssh from "ssh2";
import { SshConnection } from "../../../core/ssh/connection.ts";
import { SshHost } from "../../../core/ssh/host.ts";
import { SshRefusal } from "../../../core/ssh/refusal.ts";
import { HOST_KEY, NEVER, Servers, targetAt } from "./fixture.ts";

const servers = new Servers();
afterAll(() => servers.close());

const STRANGER = "this is no SSH server, or one with too many logins at present (MaxStartups)";

async function failure(port: number, signal = NEVER): Promise<Error> {
  const target = targetAt(port, { password: "right" });
  return await SshConnection.open(target, { signal }).then(
    () => new Error("it works"),
    (error) => error,
  );
}

/** Writes for as long as somebody listens. */
function flood(socket: Socket, bytes: Uint8Array): void {
  const write = () => {
    while (socket.writable && socket.write(bytes));
    socket.once("drain", write);
  };
  write();
}

const VERSION = "SSH-2.0-test\r\n";

test.each<[string, (socket: Socket) => void, string]>([
  ["closes the connection", (socket) => socket.end(), `${STRANGER}: it closed`],
  ["resets the connection", (socket) => socket.resetAndDestroy(), `: `],
  [
    "has too many logins",
    (socket) => socket.end("Exceeded MaxStartups\r\n"),
    `${STRANGER}: it said "Exceeded MaxStartups"`,
  ],
  [
    "is one for the web",
    (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    `${STRANGER}: it said "HTTP/1.1 400 Bad Request"`,
  ],
  ["is of the last century", (socket) => socket.write("SSH-1.5-old\r\n"), "SSH-1.5-old"],
  ["greets without end", (socket) => flood(socket, Buffer.from("hello\r\n".repeat(9000))), "hello"],
  ["says one word without end", (socket) => flood(socket, Buffer.alloc(65536, "x")), "xxxx"],
  ["says nonsense in terminal codes", (socket) => socket.end("\x1b[31mred\r\n"), `"?[31mred"`],
  [
    "goes on with noise",
    (socket) => socket.write(Buffer.concat([Buffer.from(VERSION), Buffer.alloc(5000, 0xa5)])),
    "Bad packet length",
  ],
  [
    "goes on with zeros without end",
    (socket) => {
      socket.write(VERSION);
      flood(socket, new Uint8Array(65536));
    },
    "Bad packet length",
  ],
  ["has a version and no more", (socket) => socket.end(VERSION), "the server closed"],
])("a server that %s is no system to wait for", async (_what, serve, words) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  const error = await failure(await servers.listen(server));
  expect(error.message).toStartWith('Cannot connect to "somebody@127.0.0.1:');
  expect(error.message).toContain(words);
  expect(error.message.length).toBeLessThan(300);
});

test("a server that has no cipher of ours is refused, and named", async () => {
  const server = new ssh.Server({
    hostKeys: [HOST_KEY],
    algorithms: { cipher: ["aes256-cbc"] },
  }, (client) => void client.on("error", () => {}));
  const error = await failure(await servers.listen(server));
  expect(error).toBeInstanceOf(SshRefusal);
  expect(error.message).toContain("Ciphers in its sshd_config needs one of aes128-gcm@openssh.com");
});

test("a server that closes the connection after the login is told as one that did", async () => {
  const server = new ssh.Server({ hostKeys: [HOST_KEY] }, (client) => {
    client.on("authentication", (login) => {
      login.accept();
      client.end();
    });
    client.on("error", () => {});
  });
  const port = await servers.listen(server);
  await using host = new SshHost(targetAt(port, { password: "right" }));
  const sinks = { output: () => undefined, errors: () => {} };
  await expect(host.start("true", sinks, { signal: NEVER })).rejects.toThrow(
    /^Lost the SSH connection to "somebody@127.0.0.1:\d+": the server closed it$/,
  );
});

test("a server that closes the connection after each program is connected to for each", async () => {
  const server = new ssh.Server({ hostKeys: [HOST_KEY] }, (client) => {
    client.on("authentication", (login) => login.accept());
    client.on("session", (accept) =>
      accept().on("exec", (take) => {
        const channel = take();
        channel.exit(0);
        channel.end();
        client.end();
      }));
    client.on("error", () => {});
  });
  const port = await servers.listen(server);
  await using host = new SshHost(targetAt(port, { password: "right" }));
  const sinks = { output: () => undefined, errors: () => {} };
  for (let round = 0; round < 10; round++) {
    const process = await host.start("true", sinks, { signal: NEVER });
    expect(await process.ended).toEqual({ kind: "exited", code: 0 });
  }
});

describe("time", () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** A server, and a way to wait until somebody has connected to it. */
  async function silentServer() {
    const connected = Promise.withResolvers<Socket>();
    const port = await servers.listen(createServer((socket) => {
      socket.on("error", () => {});
      connected.resolve(socket);
    }));
    return { port, connected: connected.promise };
  }

  test("a server that never says a word is given up, and at once when the signal aborts", async () => {
    const left = await silentServer();
    const stop = new AbortController();
    const stopped = failure(left.port, stop.signal);
    await left.connected;
    stop.abort(new Error("enough"));
    expect((await stopped).message).toBe("enough");

    const { port, connected } = await silentServer();
    const waiting = failure(port);
    await connected;
    jest.advanceTimersByTime(9_999);
    expect(await isSettled(waiting)).toBe(false);
    jest.advanceTimersByTime(1);
    expect((await waiting).message).toContain("The exchange of keys took longer than 10 seconds");
  });

  test("a server that says its version letter by letter is given up", async () => {
    const { port, connected } = await silentServer();
    const waiting = failure(port);
    const socket = await connected;
    for (const letter of "SSH-2.0-Op") {
      socket.write(letter);
      expect(await isSettled(waiting)).toBe(false);
      jest.advanceTimersByTime(1000);
    }
    expect((await waiting).message).toContain("The exchange of keys took longer than 10 seconds");
  });

  test("a server may think about a login for longer", async () => {
    const asked = Promise.withResolvers<ssh.AuthContext>();
    const server = new ssh.Server({ hostKeys: [HOST_KEY] }, (client) => {
      client.on("authentication", asked.resolve);
      client.on("error", () => {});
    });
    const waiting = failure(await servers.listen(server));
    const login = await asked.promise;
    jest.advanceTimersByTime(59_000);
    login.accept();
    expect((await waiting).message).toBe("it works");
  });
});

/** Whether the promise has settled when what was sent over loopback has come. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => settled = true);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  return settled;
}
