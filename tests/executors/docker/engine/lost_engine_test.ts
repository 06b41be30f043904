import { beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEngine, type Engine } from "../../../../executors/docker/engine/mod.ts";
import { makeImage, missingForDocker, type OwnEngine, startEngine } from "../dockerd.ts";
import { gather, idleContainer } from "./fixture.ts";

const missing = missingForDocker();
const its = { signal: AbortSignal.timeout(60_000) };

describe.skipIf(missing !== undefined)(
  missing ? `Engine that goes away: NOT RUN, ${missing}` : "Engine that goes away",
  () => {
    let daemon: OwnEngine;
    let engine: Engine;
    let id: string;

    beforeAll(async () => {
      daemon = await startEngine();
      engine = connectEngine({ host: daemon.host, env: {} });
      id = (await idleContainer(engine, await makeImage("busybox.sh", daemon.host))).id;
    }, 60_000);

    test("every open call ends at once when the engine is killed", async () => {
      await using _ = daemon;
      const output = gather();
      const attached = await engine.attachContainer(id, { ...its, output, stdin: false });
      const calls: Record<string, Promise<unknown>> = {
        exec: engine.exec(id, { argv: ["sh", "-c", "echo up; sleep 60"] }, { ...its, output }),
        input: engine.exec(id, { argv: ["sleep", "60"], input: new Uint8Array(10_000_000) }, {
          ...its,
          output: gather(),
        }),
        wait: engine.waitContainer(id, its),
        logs: engine.containerLogs(id, { ...its, output: gather(), follow: true }),
        events: drain(engine.events({ types: [], labels: {} }, its)),
      };
      const ends = Object.entries(calls).map(async ([name, call]) => {
        const error = await call.then(() => "no error", (thrown) => thrown);
        return [name, error.name, error.kind];
      });
      await output.saw("up");
      await Bun.sleep(100);
      await daemon.kill();
      const killed = performance.now();
      expect(await Promise.all(ends)).toEqual(
        Object.keys(calls).map((name) => [name, "EngineError", "unreachable"]),
      );
      // Nothing in its stream tells an engine's end from a container's.
      await attached.ended;
      expect(performance.now() - killed).toBeLessThan(500);
      await expect(engine.info(its)).rejects.toThrow(/check that the engine is running/);
      await engine[Symbol.asyncDispose]();
    }, 30_000);
  },
);

describe("unreachable engines", () => {
  const unreachable = { name: "EngineError", kind: "unreachable" };

  test("no socket and no listener say what to check", async () => {
    await using nowhere = connectEngine({ host: "unix:///nowhere/docker.sock", env: {} });
    const call = nowhere.info(its);
    await expect(call).rejects.toMatchObject(unreachable);
    await expect(call).rejects.toThrow(/"unix:\/\/\/nowhere\/docker.sock".*engine is running/);
    await using closed = connectEngine({ host: "tcp://127.0.0.1:1", env: {} });
    await expect(closed.info(its)).rejects.toMatchObject(unreachable);
  });

  test.skipIf(process.getuid?.() !== 0)("a socket that may not be opened says so", async () => {
    const directory = await mkdtemp(join(tmpdir(), "engine-"));
    const path = join(directory, "docker.sock");
    using _ = Bun.listen({ unix: path, socket: { data() {} } });
    await chmod(directory, 0o755);
    await chmod(path, 0o600);
    const script = `
      import { connectEngine } from ${JSON.stringify(MODULE)};
      const engine = connectEngine({ host: "unix://${path}", env: {} });
      const error = await engine.info({ signal: AbortSignal.timeout(5000) }).catch((e) => e);
      console.log(error.kind, error.message);
    `;
    const argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const child = Bun.spawnSync([...argv, process.execPath, "-e", script]);
    await rm(directory, { recursive: true });
    expect(child.stdout.toString() + child.stderr.toString())
      .toMatch(/^unreachable .*group docker/);
  });

  test("an answer that is not an engine's is refused", async () => {
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.end("SSH-2.0-OpenSSH_9.2\r\n\r\n");
        },
      },
    });
    await using engine = connectEngine({ host: `tcp://127.0.0.1:${server.port}`, env: {} });
    await expect(engine.info(its)).rejects.toMatchObject({ name: "EngineError", kind: "server" });
  });
});

const MODULE = join(import.meta.dir, "../../../../executors/docker/engine/mod.ts");

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}
