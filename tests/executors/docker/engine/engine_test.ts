import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectEngine, type Engine } from "../../../../executors/docker/engine/mod.ts";
import { makeImage, missingForDocker, type TestEngine, useEngine } from "../dockerd.ts";
import { container, gather, idleContainer } from "./fixture.ts";

const missing = missingForDocker();
const signal = AbortSignal.timeout(120_000);
const its = { signal };
const utf8 = (text: string) => new TextEncoder().encode(text);
const MISSING = "no-such-thing-0";

describe.skipIf(missing !== undefined)(
  missing ? `Engine: NOT RUN, ${missing}` : "Engine",
  () => {
    let daemon: TestEngine;
    let engine: Engine;
    let image: string;

    beforeAll(async () => {
      daemon = await useEngine();
      engine = connectEngine({ host: daemon.host, env: {} });
      image = await makeImage("busybox.sh", daemon.host);
    }, 60_000);

    afterAll(async () => {
      await engine?.[Symbol.asyncDispose]();
      await daemon?.[Symbol.asyncDispose]();
    });

    test("info tells the engine's facts and the version spoken", async () => {
      const info = await engine.info(its);
      expect(info.os).toBe("linux");
      expect(["x86_64", "aarch64"]).toContain(info.architecture);
      expect(info.apiVersion).toMatch(/^1\.\d+$/);
      expect(info.memoryBytes).toBeGreaterThan(1e8);
      await using fixed = connectEngine({ host: daemon.host, env: { DOCKER_API_VERSION: "1.30" } });
      expect((await fixed.info(its)).apiVersion).toBe("1.30");
    });

    test("inspectImage tells an image's configuration, or not-found", async () => {
      const found = await engine.inspectImage(image, its);
      expect(found).toMatchObject({ os: "linux", command: ["/bin/sh"], hasHealthcheck: false });
      expect(await engine.inspectImage(MISSING, its)).toBe("not-found");
      await expect(engine.inspectImage("../containers", its)).rejects.toMatchObject({
        name: "EngineError",
      });
    });

    test("importImage takes a root file system and an image archive", async () => {
      const name = `engine-test/${crypto.randomUUID()}`;
      const chunks = async function* (bytes: Uint8Array) {
        for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
      };
      const root = Bun.spawnSync(["tar", "-C", import.meta.dir, "-c", "fixture.ts"]).stdout;
      const env = { ...process.env, DOCKER_HOST: daemon.host };
      try {
        const imported = await engine.importImage(`${name}:root`, chunks(root), its);
        expect(await engine.inspectImage(`${name}:root`, its)).toMatchObject({ id: imported });
        const saved = Bun.spawnSync(["docker", "save", `${name}:root`], { env }).stdout;
        expect(await engine.importImage(`${name}:again`, chunks(saved), its)).toBe(imported);
        await expect(engine.importImage(`${name}:bad`, chunks(utf8("no tar".repeat(200))), its))
          .rejects.toMatchObject({ name: "EngineError" });
      } finally {
        Bun.spawnSync(["docker", "rmi", `${name}:root`, `${name}:again`], { env });
      }
    });

    test("a container lives from create to remove", async () => {
      const labels = { "engine-test": crypto.randomUUID() };
      const spec = {
        Image: image,
        Cmd: ["sh", "-c", "echo out; echo err >&2; cat; exit 7"],
        OpenStdin: true,
        StdinOnce: true,
        Labels: labels,
        HostConfig: { NetworkMode: "none" },
      };
      await using made = await container(engine, spec);
      expect(await engine.inspectContainer(made.id, its)).toMatchObject({ state: "created" });
      const output = gather();
      await using streams = await engine.attachContainer(made.id, { ...its, output, stdin: true });
      await engine.startContainer(made.id, its);
      await engine.startContainer(made.id, its);
      const waited = engine.waitContainer(made.id, its);
      await streams.write(utf8("in 1\n"));
      await streams.write(utf8("in 2\n"));
      streams.closeInput();
      expect(await waited).toEqual({ exitCode: 7, error: undefined });
      await streams.ended;
      expect(output.text).toEqual({ stdout: "out\nin 1\nin 2\n", stderr: "err\n" });

      const logs = gather();
      await engine.containerLogs(made.id, { ...its, output: logs, follow: true });
      expect(logs.text).toEqual(output.text);
      expect(await engine.inspectContainer(made.id, its)).toMatchObject({
        id: made.id,
        state: "exited",
        exitCode: 7,
        oomKilled: false,
        health: "none",
        labels,
      });
      expect((await engine.listContainers({ labels, all: false }, its)).length).toBe(0);
      const listed = await engine.listContainers({ labels, all: true }, its);
      expect(listed.map(({ id }) => id)).toEqual([made.id]);
      expect(listed[0]).toMatchObject({
        name: expect.stringMatching(/^engine-test-/),
        state: "exited",
      });
      expect(Math.abs(Date.now() - (listed[0]?.createdAtMs ?? NaN))).toBeLessThan(60_000);
      await engine.killContainer(made.id, "SIGKILL", its);
      await engine.stopContainer(made.id, 0, its);
      await Promise.all([
        engine.removeContainer(made.id, its),
        engine.removeContainer(made.id, its),
      ]);
      expect(await engine.inspectContainer(made.id, its)).toBe("not-found");
    }, 20_000);

    test("what is not there is told as the contract says", async () => {
      await engine.killContainer(MISSING, "SIGKILL", its);
      await engine.stopContainer(MISSING, 0, its);
      await engine.removeContainer(MISSING, its);
      await engine.removeVolume(MISSING, its);
      await engine.removeNetwork(MISSING, its);
      const output = gather();
      const notFound = { name: "EngineError", kind: "not-found", status: 404 };
      for (
        const call of [
          () => engine.startContainer(MISSING, its),
          () => engine.waitContainer(MISSING, its),
          () => engine.attachContainer(MISSING, { ...its, output, stdin: false }),
          () => engine.containerLogs(MISSING, { ...its, output, follow: false }),
          () => engine.exec(MISSING, { argv: ["true"] }, { ...its, output }),
          () => engine.createContainer("x", { Image: MISSING }, its),
        ]
      ) await expect(call()).rejects.toMatchObject(notFound);
    });

    test("startContainer throws the engine's words for a program that is not there", async () => {
      const spec = { Image: image, Cmd: ["/nowhere"], HostConfig: { NetworkMode: "none" } };
      await using made = await container(engine, spec);
      await expect(engine.startContainer(made.id, its)).rejects.toThrow("/nowhere");
    }, 20_000);

    test("exec hands over input, environment and directory, and tells the exit code", async () => {
      await using idle = await idleContainer(engine, image);
      const run = async (script: string, more: object = {}) => {
        const output = gather();
        const request = { argv: ["sh", "-c", script], ...more };
        const { exitCode } = await engine.exec(idle.id, request, { ...its, output });
        return { exitCode, ...output.text };
      };
      expect(
        await run("echo $A; id -u; echo e >&2; exit 3", { env: ["A=b c"], user: "nobody" }),
      ).toEqual({ exitCode: 3, stdout: "b c\n65534\n", stderr: "e\n" });
      expect(await run("cat", { input: utf8("given") })).toMatchObject({ stdout: "given" });
      expect(await run("cat", { input: new Uint8Array(0) })).toMatchObject({ exitCode: 0 });
      expect(await run("true")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
      expect(await run("kill -9 $$")).toMatchObject({ exitCode: 137 });
      const gone = await engine.exec(idle.id, { argv: ["/nowhere"] }, { ...its, output: gather() });
      expect([126, 127]).toContain(gone.exitCode);
      // Two at once, each with its own output.
      const both = await Promise.all([run("sleep 0.2; echo 1"), run("echo 2")]);
      expect(both.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n"]);
      // A process that closes its output and goes on is waited for.
      expect(await run("exec >&- 2>&-; sleep 0.3; exit 4")).toMatchObject({ exitCode: 4 });
    }, 20_000);

    test("exec takes 20 MB of input, and a process that reads none of it", async () => {
      await using idle = await idleContainer(engine, image);
      const input = new Uint8Array(20_000_000).fill(65);
      const counted = gather();
      await engine.exec(idle.id, { argv: ["wc", "-c"], input }, { ...its, output: counted });
      expect(counted.text.stdout.trim()).toBe("20000000");
      const end = await engine.exec(idle.id, { argv: ["false"], input }, {
        ...its,
        output: gather(),
      });
      expect(end.exitCode).toBe(1);
    }, 30_000);

    test("putArchive unpacks a tar and refuses promptly", async () => {
      await using idle = await idleContainer(engine, image);
      const tar = Bun.spawnSync(["tar", "-C", import.meta.dir, "-c", "fixture.ts"]).stdout;
      const chunks = async function* () {
        yield new Uint8Array(0);
        yield tar;
      };
      await engine.putArchive(idle.id, "/tmp", chunks(), its);
      const output = gather();
      await engine.exec(idle.id, { argv: ["cat", "/tmp/fixture.ts"] }, { ...its, output });
      expect(output.text.stdout).toBe(await Bun.file(`${import.meta.dir}/fixture.ts`).text());
      const endless = async function* () {
        yield tar;
        await new Promise(() => {});
      };
      await expect(engine.putArchive(MISSING, "/tmp", endless(), its))
        .rejects.toMatchObject({ kind: "not-found" });
      const broken = async function* () {
        yield tar;
        throw new Error("The source broke");
      };
      await expect(engine.putArchive(idle.id, "/tmp", broken(), its))
        .rejects.toThrow("The source broke");
    }, 20_000);

    test("volumes are made, found by label, and kept while in use", async () => {
      const labels = { "engine-test": crypto.randomUUID() };
      const name = `engine-test-${crypto.randomUUID()}`;
      await engine.createVolume(name, { ...its, labels });
      const [listed, ...others] = await engine.listVolumes(labels, its);
      expect(others).toEqual([]);
      expect(listed).toMatchObject({ name, labels });
      // The engine tells whole seconds.
      expect(Math.abs((listed?.createdAtMs ?? NaN) - Date.now())).toBeLessThan(60_000);
      {
        const HostConfig = { Binds: [`${name}:/data`], NetworkMode: "none" };
        await using made = await container(engine, { Image: image, HostConfig });
        expect(await engine.inspectContainer(made.id, its)).toMatchObject({
          mounts: [{ name, destination: "/data" }],
        });
        await expect(engine.removeVolume(name, its)).rejects.toMatchObject({ kind: "conflict" });
      }
      await engine.removeVolume(name, its);
      expect(await engine.listVolumes(labels, its)).toEqual([]);
    }, 20_000);

    test("networks are made, joined and removed", async () => {
      const labels = { "engine-test": crypto.randomUUID() };
      const name = `engine-test-${crypto.randomUUID()}`;
      const network = await engine.createNetwork(name, { ...its, labels, ipv6: false, mtu: 1400 });
      try {
        expect(await engine.listNetworks(labels, its)).toEqual([{ id: network, labels }]);
        const spec = { Image: image, Cmd: ["sleep", "100"] };
        await using made = await container(engine, spec);
        await engine.connectNetwork(network, made.id, { ...its, aliases: ["db"] });
        await engine.startContainer(made.id, its);
        const details = await engine.inspectContainer(made.id, its);
        expect(details).toMatchObject({ addresses: { [name]: expect.stringMatching(/^\d+\./) } });
        expect(await engine.networkContainers(network, its)).toEqual([made.id]);
      } finally {
        await engine.removeNetwork(network, its);
      }
      expect(await engine.listNetworks(labels, its)).toEqual([]);
      expect(await engine.networkContainers(network, its)).toEqual([]);
    }, 30_000);

    test("events come as they happen, filtered by label", async () => {
      const labels = { "engine-test": crypto.randomUUID() };
      const stop = new AbortController();
      const events = engine.events({ types: ["container"], labels }, { signal: stop.signal });
      const seen: string[] = [];
      const reading = (async () => {
        for await (const event of events) seen.push(`${event.type} ${event.action} ${event.id}`);
      })();
      reading.catch(() => {});
      await Bun.sleep(100);
      const spec = { Image: image, Labels: labels, HostConfig: { NetworkMode: "none" } };
      const made = await container(engine, spec);
      await made[Symbol.asyncDispose]();
      while (seen.length < 2) await Bun.sleep(5);
      expect(seen).toEqual([`container create ${made.id}`, `container destroy ${made.id}`]);
      stop.abort(new Error("enough"));
      await expect(reading).rejects.toThrow("enough");
    }, 20_000);
  },
);
