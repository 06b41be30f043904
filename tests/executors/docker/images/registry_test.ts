/** Images from a real registry, by a real engine. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SystemFailure } from "../../../../core/errors.ts";
import { connectEngine, type Engine } from "../../../../executors/docker/engine/mod.ts";
import {
  type CredentialSources,
  type ImageRequest,
  ImageStore,
} from "../../../../executors/docker/images/mod.ts";
import { missingForDocker, type TestEngine, useEngine } from "../dockerd.ts";
import { missingForPodman, usePodman } from "../podman.ts";
import { push, type Registry, REGISTRY_PROGRAM, startRegistry } from "./registry.ts";
import { LineLog, NEVER, NO_CREDENTIALS } from "./support.ts";

const LOGIN = { username: "me", password: "pass:w0rd" };

const ENGINES = [
  { name: "docker", lacks: missingForDocker(), use: () => useEngine("loopback") },
  { name: "podman", lacks: missingForPodman(), use: usePodman },
];

for (const { name, lacks, use } of ENGINES) {
  const missing = lacks ??
    (REGISTRY_PROGRAM === undefined ? "docker-registry is not installed" : undefined);
  const title = `ImageStore with a registry on ${name}`;
  if (missing === undefined) describe(title, () => suite(use));
  else test.skip(`${title}: NOT RUN, ${missing}`, () => {});
}

function suite(use: (registries: readonly string[]) => Promise<TestEngine>): void {
  let daemon: TestEngine;
  let engine: Engine;
  let open: Registry;
  let guarded: Registry;
  /** Images of other runs of this test are never this one's. */
  const run = crypto.randomUUID().slice(0, 8);
  const pulled = new Set<string>();

  beforeAll(async () => {
    [open, guarded] = await Promise.all([startRegistry(), startRegistry(LOGIN)]);
    daemon = await use([open.address, guarded.address]);
    engine = connectEngine({ host: daemon.host, env: {} });
  }, 60_000);

  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    open[Symbol.dispose]();
    guarded[Symbol.dispose]();
    for (const id of pulled) {
      const url = `http://engine/images/${id}?force=true`;
      await fetch(url, { method: "DELETE", unix: daemon.host.replace("unix://", "") });
    }
    await daemon[Symbol.asyncDispose]();
  });

  async function ensure(image: string, more: Partial<ImageRequest> = {}, log = new LineLog()) {
    const helperEnv = { PATH: "/usr/bin:/bin" };
    const store = new ImageStore({ engine, helperEnv, retryDelayMs: () => 0 });
    const found = await store.ensure(
      {
        image,
        policies: ["always"],
        platform: undefined,
        credentials: NO_CREDENTIALS,
        ...more,
      },
      log,
      { signal: NEVER },
    );
    pulled.add(found.id);
    return { found, lines: log.lines };
  }

  function authConfig(key: string, password: string): CredentialSources {
    const auth = Buffer.from(`${LOGIN.username}:${password}`).toString("base64");
    const text = JSON.stringify({ auths: { [key]: { auth } } });
    return { ...NO_CREDENTIALS, authConfig: text };
  }

  async function failureOf(work: Promise<unknown>): Promise<SystemFailure> {
    const failure = await work.catch((error) => error);
    expect(failure).toBeInstanceOf(SystemFailure);
    return failure as SystemFailure;
  }

  test("pulls and says what it got", async () => {
    const { image, id, digest } = await push(open, `${run}/told:1`, "a");
    const { found, lines } = await ensure(image);
    expect(found.id).toBe(id);
    expect(lines).toEqual([
      `print Using effective pull policy of [always] for container ${image}`,
      `print Pulling docker image ${image} ...`,
      `print Using docker image ${id} for ${image} with digest ` +
      `${open.address}/${run}/told@${digest} ...`,
    ]);
  });

  test("pulls latest only when nothing else is named", async () => {
    await push(open, `${run}/many:other`, "other");
    const { id } = await push(open, `${run}/many:latest`, "latest");
    const name = `${open.address}/${run}/many`;
    expect((await ensure(name)).found.id).toBe(id);
    expect(await engine.inspectImage(`${name}:other`, { signal: NEVER })).toBe("not-found");
  });

  test("gets what was pushed anew with always, and not with if-not-present", async () => {
    const before = await push(open, `${run}/moving:1`, "before");
    await ensure(before.image);
    const after = await push(open, `${run}/moving:1`, "after");
    const kept = await ensure(before.image, { policies: ["if-not-present"] });
    expect(kept.found.id).toBe(before.id);
    expect((await ensure(before.image)).found.id).toBe(after.id);
  });

  test("pulls by digest", async () => {
    const { id, digest } = await push(open, `${run}/fixed:1`, "fixed");
    for (const name of [`${run}/fixed@${digest}`, `${run}/fixed:1@${digest}`]) {
      const image = `${open.address}/${name}`;
      expect((await ensure(image)).found.id).toBe(id);
      const there = await ensure(image, { policies: ["if-not-present"] });
      expect(there.found.id).toBe(id);
      expect(there.lines[1]).toStartWith("print Using locally found image version");
    }
  });

  test("logs in with a password, which no line shows", async () => {
    const { image, id } = await push(guarded, `${run}/group/private:1`, "private");
    const credentials = authConfig(`${guarded.address}/${run}/group`, LOGIN.password);
    const { found, lines } = await ensure(image, { credentials });
    expect(found.id).toBe(id);
    expect(lines[1]).toBe("print Authenticating with credentials from $DOCKER_AUTH_CONFIG");
    expect(lines.join("\n")).not.toContain(LOGIN.password);
    const job = [{ type: "registry", url: `http://${guarded.address}`, ...LOGIN }];
    await ensure(image, { credentials: { ...NO_CREDENTIALS, job } });
  });

  test("fails at once with a wrong password and without one, in the registry's words", async () => {
    const { image } = await push(guarded, `${run}/closed:1`, "closed");
    const wrong = authConfig(guarded.address, "wrong");
    for (const credentials of [wrong, NO_CREDENTIALS]) {
      const log = new LineLog();
      const failure = await failureOf(ensure(image, { credentials }, log));
      expect(failure.reason).toBe("runner_configuration_error");
      expect(failure.message).toMatch(
        /^failed to pull image ".*" with specified policies \[always\]: Error response from daemon: .*(?:unauthorized|no basic auth credentials)/,
      );
      expect(log.lines.filter((line) => line.includes("retrying"))).toEqual([]);
      expect(log.lines.at(-1)).toStartWith('warning Failed to pull image with policy "always": ');
    }
  });

  test("fails at once when the registry has no such image", async () => {
    const { image } = await push(open, `${run}/there:1`, "there");
    for (const absent of [image.replace(/:1$/, ":2"), `${open.address}/${run}/nowhere:1`]) {
      const log = new LineLog();
      const failure = await failureOf(ensure(absent, {}, log));
      expect(failure.reason).toBe("runner_configuration_error");
      expect(failure.message).toContain("manifest unknown");
      expect(log.lines.filter((line) => line.includes("retrying"))).toEqual([]);
    }
  });

  test("tries again where no registry answers", async () => {
    const log = new LineLog();
    // Nothing listens on port 1.
    const failure = await failureOf(ensure(`127.0.0.1:1/${run}/none:1`, {}, log));
    expect(failure.reason).toBe("runner_external_dependency_failure");
    expect(failure.message).toContain("connection refused");
    expect(log.lines.filter((line) => line.includes("retrying: "))).toHaveLength(2);
  });
}
