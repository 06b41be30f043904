import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { connectEngine, type Engine } from "../../../../executors/docker/engine/mod.ts";
import { makeImage, missingForDocker, type TestEngine, useEngine } from "../dockerd.ts";
import { gather, idleContainer } from "./fixture.ts";
import { startSmallRegistry } from "./small_registry.ts";

const missing = missingForDocker();
const its = { signal: AbortSignal.timeout(120_000) };
const MIB = 1024 * 1024;

describe.skipIf(missing !== undefined)(
  missing ? `Engine under load and aborts: NOT RUN, ${missing}` : "Engine under load and aborts",
  () => {
    let daemon: TestEngine;
    let engine: Engine;
    let image: string;
    let idle: Awaited<ReturnType<typeof idleContainer>>;

    beforeAll(async () => {
      daemon = await useEngine("loopback");
      engine = connectEngine({ host: daemon.host, env: {} });
      image = await makeImage("busybox.sh", daemon.host);
      idle = await idleContainer(engine, image);
    }, 60_000);

    afterAll(async () => {
      await idle?.[Symbol.asyncDispose]();
      await engine?.[Symbol.asyncDispose]();
      await daemon?.[Symbol.asyncDispose]();
    });

    test("200 MB of output go through a slow sink in bounded memory", async () => {
      let bytes = 0;
      let sinceRest = 0;
      const output = {
        write(chunk: Uint8Array) {
          bytes += chunk.length;
          sinceRest += chunk.length;
          if (sinceRest < 2 * MIB) return undefined;
          sinceRest = 0;
          return Bun.sleep(2);
        },
      };
      const before = process.memoryUsage.rss();
      let peak = before;
      const watch = setInterval(() => peak = Math.max(peak, process.memoryUsage.rss()), 20);
      try {
        const argv = ["head", "-c", "200000000", "/dev/zero"];
        const end = await engine.exec(idle.id, { argv }, { ...its, output });
        expect({ ...end, bytes }).toEqual({ exitCode: 0, error: undefined, bytes: 200_000_000 });
      } finally {
        clearInterval(watch);
      }
      expect(peak - before).toBeLessThan(80 * MIB);
    }, 60_000);

    test("a sink that stalls stops the process, and nothing is taken meanwhile", async () => {
      const { promise: stalled, resolve } = Promise.withResolvers<void>();
      let writes = 0;
      const output = {
        write() {
          writes += 1;
          return stalled;
        },
      };
      const argv = ["head", "-c", "20000000", "/dev/zero"];
      const running = engine.exec(idle.id, { argv }, { ...its, output });
      await Bun.sleep(300);
      expect(writes).toBe(1);
      resolve();
      expect((await running).exitCode).toBe(0);
    }, 20_000);

    test("a sink's error ends the call and is what is thrown", async () => {
      const sockets = openSockets();
      const output = { write: () => Promise.reject(new Error("The disk is full")) };
      await expect(engine.exec(idle.id, { argv: ["echo", "x"] }, { ...its, output }))
        .rejects.toThrow("The disk is full");
      await engine.inspectContainer(idle.id, its);
      expect(await engine.inspectContainer("no-such-thing-0", its)).toBe("not-found");
      await Bun.sleep(20);
      expect(openSockets()).toBe(sockets);
    });

    for (const [name, call] of calls()) {
      test(`${name} aborts promptly with the reason and leaves no socket`, async () => {
        const sockets = openSockets();
        const stop = new AbortController();
        const running = call(stop.signal);
        running.catch(() => {});
        await Bun.sleep(150);
        const started = performance.now();
        const reason = new Error("enough of this");
        stop.abort(reason);
        await expect(running).rejects.toBe(reason);
        expect(performance.now() - started).toBeLessThan(100);
        await Bun.sleep(20);
        expect(openSockets()).toBe(sockets);
        await expect(call(AbortSignal.abort(reason))).rejects.toBe(reason);
      });
    }

    function calls(): [string, (signal: AbortSignal) => Promise<unknown>][] {
      return [
        ["waitContainer", (signal) => engine.waitContainer(idle.id, { signal })],
        [
          "exec",
          (signal) => engine.exec(idle.id, { argv: ["sleep", "5"] }, { signal, output: gather() }),
        ],
        [
          "exec with blocked input",
          (signal) =>
            engine.exec(idle.id, { argv: ["sleep", "5"], input: new Uint8Array(20_000_000) }, {
              signal,
              output: gather(),
            }),
        ],
        ["attachContainer", async (signal) => {
          const options = { signal, output: gather(), stdin: false };
          await using streams = await engine.attachContainer(idle.id, options);
          await streams.ended;
        }],
        [
          "containerLogs",
          (signal) => engine.containerLogs(idle.id, { signal, output: gather(), follow: true }),
        ],
        ["events", async (signal) => {
          for await (const event of engine.events({ types: ["plugin"], labels: {} }, { signal })) {
            throw new Error(`Unexpected ${event.action}`);
          }
        }],
        ["putArchive", (signal) => engine.putArchive(idle.id, "/tmp", stuck(), { signal })],
      ];
    }

    test("disposing the engine ends what is open", async () => {
      const other = connectEngine({ host: daemon.host, env: {} });
      const waiting = other.waitContainer(idle.id, its);
      waiting.catch(() => {});
      await Bun.sleep(100);
      await other[Symbol.asyncDispose]();
      await expect(waiting).rejects.toMatchObject({ kind: "unreachable" });
    });

    test("pullImage tells progress, refusals in the registry's words, and aborts", async () => {
      const password = "pass>word?~";
      await using registry = startSmallRegistry();
      await using locked = startSmallRegistry(password);
      const auth = { username: "user", password };
      expect(Buffer.from(JSON.stringify(auth)).toString("base64")).toMatch(/[+/].*=$/);
      const open = `${registry.host}/open/image:1`;
      const closed = `${locked.host}/closed/image`;
      try {
        const seen: string[] = [];
        await engine.pullImage(open, { ...its, onProgress: ({ status }) => seen.push(status) });
        expect(seen.join("\n")).toContain("Downloaded newer image");
        expect(await engine.inspectImage(open, its)).toMatchObject({ command: ["/bin/true"] });
        await engine.pullImage(closed, { ...its, auth });
        expect(await engine.inspectImage(`${closed}:latest`, its)).not.toBe("not-found");
        const refused = engine.pullImage(closed, its);
        await expect(refused).rejects.toMatchObject({ kind: "denied" });
        await expect(refused).rejects.toThrow("no basic auth credentials");
        const absent = engine.pullImage(`${registry.host}/missing/image`, its);
        await expect(absent).rejects.toMatchObject({ kind: "not-found" });
        await expect(absent).rejects.toThrow("manifest unknown");

        const stop = new AbortController();
        const slow = `${registry.host}/slow/image`;
        const pulling = engine.pullImage(slow, { signal: stop.signal });
        pulling.catch(() => {});
        await registry.waiting;
        const started = performance.now();
        stop.abort(new Error("enough"));
        await expect(pulling).rejects.toThrow("enough");
        expect(performance.now() - started).toBeLessThan(100);
        expect(await engine.inspectImage(slow, its)).toBe("not-found");
      } finally {
        const env = { ...process.env, DOCKER_HOST: daemon.host };
        Bun.spawnSync(["docker", "rmi", open, closed], { env });
      }
    }, 20_000);
  },
);

async function* stuck(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(512);
  await new Promise(() => {});
}

function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}
