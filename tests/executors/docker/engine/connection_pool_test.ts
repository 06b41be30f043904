import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { connectEngine } from "../../../../executors/docker/engine/mod.ts";

const its = () => ({ signal: AbortSignal.timeout(10_000) });

/** An engine that answers every call with an empty list, and notes what came on which connection. */
async function countingEngine(options: { closesAfter?: number; silentOn?: string } = {}) {
  const calls: string[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const own: string[] = [];
    calls.push(own);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const [line = ""] = bytes.toString().split("\r\n");
      own.push(line.replace(/ HTTP.*/, "").replace("/v1.41", ""));
      if (options.silentOn !== undefined && line.includes(options.silentOn)) return;
      const body = line.includes("/info") ? "{}" : "[]";
      socket.write(`HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\n${body}`);
      if (own.length === options.closesAfter) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    calls,
    sockets,
    engine: connectEngine({
      host: `tcp://127.0.0.1:${port}`,
      env: { DOCKER_API_VERSION: "1.41" },
    }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("ConnectionPool: calls one after another share a connection", async () => {
  await using server = await countingEngine();
  await using engine = server.engine;
  for (let call = 0; call < 3; call++) await engine.info(its());
  await engine.removeContainer("a", its());
  expect(server.calls).toEqual([[
    ...["GET /info", "GET /info", "GET /info"],
    "DELETE /containers/a?force=1&v=1",
  ]]);
});

test("ConnectionPool: calls at the same time have one each, and four are kept", async () => {
  await using server = await countingEngine();
  await using engine = server.engine;
  await Promise.all(Array.from({ length: 6 }, () => engine.info(its())));
  expect(server.calls).toHaveLength(6);
  await Promise.all(Array.from({ length: 6 }, () => engine.info(its())));
  expect(server.calls.map((calls) => calls.length).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});

test("ConnectionPool: one that the engine has closed is not used", async () => {
  await using server = await countingEngine({ closesAfter: 2 });
  await using engine = server.engine;
  for (let call = 0; call < 4; call++) {
    await engine.info(its());
    await Bun.sleep(20);
  }
  await engine.removeContainer("a", its());
  expect(server.calls.map((calls) => calls.length)).toEqual([2, 2, 1]);
});

test("ConnectionPool: a question that a closing engine leaves open is asked once more", async () => {
  await using server = await countingEngine({ silentOn: "/containers/" });
  await using engine = server.engine;
  const lists = () => server.calls.flat().filter((call) => call.startsWith("GET /containers"));
  const cut = async (asked: number) => {
    while (lists().length < asked) await Bun.sleep(5);
    for (const socket of server.sockets) socket.destroy();
  };
  await engine.info(its());
  const asking = engine.listContainers({ labels: {}, all: true }, its());
  await cut(1);
  const again = cut(2);
  await expect(asking).rejects.toMatchObject({ name: "EngineError", kind: "unreachable" });
  await again;
  expect(lists()).toHaveLength(2);
});

test("ConnectionPool: a command that a closing engine leaves open is not given twice", async () => {
  await using server = await countingEngine({ silentOn: "/start" });
  await using engine = server.engine;
  await engine.info(its());
  const starting = engine.startContainer("a", its());
  while (!server.calls.flat().some((call) => call.includes("/start"))) await Bun.sleep(5);
  for (const socket of server.sockets) socket.destroy();
  await expect(starting).rejects.toMatchObject({ name: "EngineError", kind: "unreachable" });
  expect(server.calls.flat().filter((call) => call.includes("/start"))).toHaveLength(1);
});

test("ConnectionPool: an abort closes the connection of its call, and no other", async () => {
  await using server = await countingEngine({ silentOn: "/start" });
  await using engine = server.engine;
  await Promise.all([engine.info(its()), engine.info(its())]);
  const abort = new AbortController();
  const starting = engine.startContainer("a", { signal: abort.signal });
  while (!server.calls.flat().some((call) => call.includes("/start"))) await Bun.sleep(5);
  abort.abort(new Error("enough"));
  await expect(starting).rejects.toThrow("enough");
  await engine.info(its());
  expect(server.calls).toHaveLength(2);
});
