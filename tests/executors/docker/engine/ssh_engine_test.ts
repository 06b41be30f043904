import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectEngine, type Engine } from "../../../../executors/docker/engine/mod.ts";
import { isRunning, until } from "../../../conformance/executor_suite.ts";
import { makeImage, missingForDocker, type TestEngine, useEngine } from "../dockerd.ts";
import { container, gather, idleContainer } from "./fixture.ts";
import { missingForSshd, startSshd, type TestSshd } from "../../../fixtures/sshd.ts";
import { type SshUsers, sshUsers } from "./ssh_users.ts";

const missing = missingForDocker() ?? missingForSshd();

if (missing === undefined) describe("Engine over ssh", suite);
else test.skip(`Engine over ssh: NOT RUN, ${missing}`, () => {});

function suite(): void {
  let daemon: TestEngine;
  let sshd: TestSshd;
  let users: SshUsers;
  let engine: Engine;
  let image: string;
  const its = () => ({ signal: AbortSignal.timeout(20_000) });
  const address = () => `ssh://root@127.0.0.1:${sshd.port}`;
  const host = () => `${address()}${daemon.host.slice("unix://".length)}`;

  beforeAll(async () => {
    daemon = await useEngine();
    sshd = await startSshd();
    users = await sshUsers(sshd);
    image = await makeImage("busybox.sh", daemon.host);
    engine = connectEngine({ host: host(), env: users.friend });
  }, 60_000);
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  test("answers calls, and closes a script's input without losing its output", async () => {
    expect(await engine.info(its())).toMatchObject({ os: "linux" });
    await using idle = await idleContainer(engine, image);
    const output = gather();
    const end = await engine.exec(idle.id, {
      argv: ["sh", "-c", "wc -c; sleep 0.2; echo after"],
      input: new Uint8Array(3_000_000),
    }, { output, ...its() });
    expect(end.exitCode).toBe(0);
    expect(output.text.stdout).toBe("3000000\nafter\n");
  }, 30_000);

  test("takes large output with backpressure", async () => {
    await using idle = await idleContainer(engine, image);
    const output = gather();
    const argv = ["head", "-c", "30000000", "/dev/zero"];
    await engine.exec(idle.id, { argv }, { output, ...its() });
    expect(output.bytes).toBe(30_000_000);
  }, 30_000);

  test("an abort ends the call and its ssh", async () => {
    await using made = await container(engine, { Image: image, Cmd: ["sleep", "100"] });
    await engine.startContainer(made.id, its());
    const abort = new AbortController();
    const waiting = engine.waitContainer(made.id, { signal: abort.signal });
    const port = String(sshd.port);
    await until(() => isRunning(port));
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await until(() => !isRunning(port));
  }, 30_000);

  test("a key that the server refuses is told in ssh's words", async () => {
    await using refused = connectEngine({ host: host(), env: users.stranger });
    await expect(refused.info(its())).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringMatching(
        /^Cannot reach the Docker Engine at "ssh:.*Permission denied/s,
      ),
    });
  });

  test("a server that is not known is not talked to", async () => {
    await using unknown = connectEngine({ host: host(), env: users.mistrusting });
    await expect(unknown.info(its())).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("Host key verification failed"),
    });
  });

  test("an engine that is not there on the other host is told in docker's words", async () => {
    await using gone = connectEngine({
      host: `${address()}/nowhere/docker.sock`,
      env: users.friend,
    });
    await expect(gone.info(its())).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("/nowhere/docker.sock"),
    });
  });

  test("a machine without ssh says so", async () => {
    await using none = connectEngine({ host: host(), env: { PATH: "/nonexistent" } });
    await expect(none.info(its())).rejects.toMatchObject({ kind: "unreachable" });
  });
}
