import { describe, expect, test } from "bun:test";
import { JobConfigurationError, SystemFailure } from "../../../../core/errors.ts";
import { EngineError } from "../../../../executors/docker/engine/mod.ts";
import { JobImages } from "../../../../executors/docker/images/mod.ts";
import { auth, DIGEST, ID, imageDetails, request, setUp } from "./fake_engine.ts";
import { NEVER } from "./support.ts";

const REFUSED = new EngineError("denied", "pull access denied for x");
const BAD_GATEWAY = new EngineError("server", "received unexpected HTTP status: 502 Bad Gateway");
const UNKNOWN_HOST = new EngineError(
  "server",
  'Get "https://r.invalid/v2/": dial tcp: no such host',
);

describe("ImageStore.ensure", () => {
  test("pulls each time when the policy is always", async () => {
    const { engine, store, log } = setUp();
    engine.images.set("r.example.com/a:1", imageDetails());
    engine.outcomes.push("done", "done");
    await store.ensure(request("r.example.com/a:1"), log, { signal: NEVER });
    await store.ensure(request("r.example.com/a:1"), log, { signal: NEVER });
    expect(engine.pulls).toHaveLength(2);
    expect(log.lines.slice(0, 3)).toEqual([
      "print Using effective pull policy of [always] for container r.example.com/a:1",
      "print Pulling docker image r.example.com/a:1 ...",
      `print Using docker image ${ID} for r.example.com/a:1 ...`,
    ]);
  });

  test("uses the image that is there when the policy is if-not-present", async () => {
    const { engine, store, log } = setUp();
    const repoDigests = [`r.example.com/b@${ID}`, `debian@${DIGEST}`];
    engine.images.set("debian:12", imageDetails({ repoDigests }));
    const policies = ["if-not-present"] as const;
    const found = await store.ensure(request("debian:12", { policies }), log, { signal: NEVER });
    expect(found.id).toBe(ID);
    expect(engine.pulls).toEqual([]);
    expect(log.lines).toEqual([
      "print Using effective pull policy of [if-not-present] for container debian:12",
      'print Using locally found image version due to "if-not-present" pull policy',
      `print Using docker image ${ID} for debian:12 with digest debian@${DIGEST} ...`,
    ]);
  });

  test("pulls what is there for another platform only", async () => {
    const { engine, store, log } = setUp();
    engine.images.set("a:1", imageDetails());
    engine.outcomes.push("done");
    const wish = { policies: ["if-not-present"], platform: "linux/arm64" } as const;
    await store.ensure(request("a:1", wish), log, { signal: NEVER });
    expect(engine.pulls[0]?.platform).toBe("linux/arm64");
    expect(log.lines[1]).toBe("print Pulling docker image a:1 for platform linux/arm64 ...");
  });

  test("never asks a registry when the policy is never, or for an id", async () => {
    const { engine, store, log } = setUp();
    const never = request("a:1", { policies: ["never"] });
    const failure = await store.ensure(never, log, { signal: NEVER }).catch((error) => error);
    expect(failure).toBeInstanceOf(SystemFailure);
    expect(failure.reason).toBe("image_pull_failure");
    expect(failure.message).toBe(
      'failed to pull image "a:1" with specified policies [never]: ' +
        "Error response from daemon: No such image: a:1",
    );
    await expect(store.ensure(request(ID), log, { signal: NEVER })).rejects.toThrow(SystemFailure);
    engine.images.set(ID, imageDetails());
    expect((await store.ensure(request(ID), log, { signal: NEVER })).id).toBe(ID);
    expect(engine.pulls).toEqual([]);
  });

  test("tries a list of policies in turn", async () => {
    const { engine, store, log } = setUp();
    engine.images.set("a:1", imageDetails());
    engine.outcomes.push(REFUSED);
    const policies = ["always", "if-not-present"] as const;
    await store.ensure(request("a:1", { policies }), log, { signal: NEVER });
    expect(log.lines).toEqual([
      "print Using effective pull policy of [always if-not-present] for container a:1",
      "print Pulling docker image a:1 ...",
      'warning Failed to pull image with policy "always": ' +
      "Error response from daemon: pull access denied for x",
      'print Attempt #2: Trying "if-not-present" pull policy',
      'print Using locally found image version due to "if-not-present" pull policy',
      `print Using docker image ${ID} for a:1 ...`,
    ]);
  });

  test("repeats what may pass, and ends in the registry's words", async () => {
    const { engine, store, log } = setUp();
    engine.outcomes.push(UNKNOWN_HOST, UNKNOWN_HOST, UNKNOWN_HOST);
    const words = `Error response from daemon: ${UNKNOWN_HOST.message}`;
    const failed = store.ensure(request("r.invalid/a:1"), log, { signal: NEVER });
    const failure = await failed.catch((error) => error);
    expect(failure.message).toBe(
      `failed to pull image "r.invalid/a:1" with specified policies [always]: ${words}`,
    );
    expect(failure.reason).toBe("runner_external_dependency_failure");
    expect(log.lines.slice(1)).toEqual([
      "print Pulling docker image r.invalid/a:1 ...",
      `warning Failed to pull image "r.invalid/a:1" (attempt #1), retrying: ${words}`,
      `warning Failed to pull image "r.invalid/a:1" (attempt #2), retrying: ${words}`,
      `warning Failed to pull image with policy "always": ${words}`,
    ]);
  });

  test("does not repeat a refusal, also when the engine calls it a fault of its own", async () => {
    const words = {
      'Get "http://r.example.com/v2/": unauthorized: authentication required':
        "runner_configuration_error",
      'Head "http://r.example.com/v2/a/manifests/1": no basic auth credentials':
        "runner_configuration_error",
      "manifest for r.example.com/a:1 not found: manifest unknown: manifest unknown":
        "runner_configuration_error",
      "pull access denied for a, repository does not exist or may require 'docker login'":
        "runner_configuration_error",
      "denied": "runner_configuration_error",
      "manifest for r.example.com/timeout-eof:1 not found: manifest unknown":
        "runner_configuration_error",
      "toomanyrequests: You have reached your pull rate limit": "image_pull_failure",
      'Get "https://r.example.com/v2/": x509: certificate signed by unknown authority':
        "image_pull_failure",
      "failed to register layer: no space left on device": "image_pull_failure",
    };
    for (const [text, reason] of Object.entries(words)) {
      const { engine, store, log } = setUp();
      engine.outcomes.push(new EngineError("server", text));
      const failed = store.ensure(request("a:1"), log, { signal: NEVER });
      expect(await failed.catch((error) => error.reason)).toBe(reason);
      expect(engine.pulls).toHaveLength(1);
    }
  });

  test.each([
    BAD_GATEWAY.message,
    'Get "https://r.example.com/v2/": net/http: TLS handshake timeout',
    'Get "https://r.example.com/v2/": context deadline exceeded',
    'Get "https://r.example.com/v2/": EOF',
    "unexpected EOF",
    "read tcp 10.0.0.1:5000->10.0.0.2:443: read: connection reset by peer",
  ])("blames a registry or a network, after three tries: %s", async (words) => {
    const { engine, store, log } = setUp();
    const failure = new EngineError("server", words);
    engine.outcomes.push(failure, failure, failure);
    const failed = store.ensure(request("a:1"), log, { signal: NEVER });
    expect(await failed.catch((error) => error.reason)).toBe("runner_external_dependency_failure");
    expect(engine.pulls).toHaveLength(3);
  });

  test("ends a pull that takes too long", async () => {
    const { engine, store, log } = setUp({ pullTimeoutMs: 20 });
    const failed = store.ensure(request("a:1"), log, { signal: NEVER });
    const failure = await failed.catch((error) => error);
    expect(failure).toBeInstanceOf(SystemFailure);
    expect(failure.message).toEndWith("[always]: the pull took longer than 20ms");
    expect(failure.reason).toBe("runner_external_dependency_failure");
    expect(engine.pulls[0]?.signal.aborted).toBe(true);
  });

  test("lets an engine's end pass unchanged, without trying further policies", async () => {
    const { engine, store, log } = setUp();
    const gone = new EngineError("unreachable", "Cannot reach the engine");
    engine.outcomes.push(gone);
    const policies = ["always", "if-not-present"] as const;
    const failed = store.ensure(request("a:1", { policies }), log, { signal: NEVER });
    expect(await failed.catch((error) => error)).toBe(gone);
  });

  test("refuses what is no image name before the engine sees it", async () => {
    const { store, log } = setUp();
    const bad = request("../containers/json?x=");
    const failed = store.ensure(bad, log, { signal: NEVER });
    expect(await failed.catch((error) => error)).toBeInstanceOf(JobConfigurationError);
  });

  test("says whose credentials it used, and never what they are", async () => {
    const { engine, store, log } = setUp();
    engine.outcomes.push("done");
    await store.ensure(request("r.example.com/a:1", auth("me")), log, { signal: NEVER });
    expect(log.lines.slice(1, 3)).toEqual([
      "print Authenticating with credentials from job payload (GitLab Registry)",
      "print Pulling docker image r.example.com/a:1 ...",
    ]);
    expect(engine.pulls[0]?.auth?.username).toBe("me");
    expect(log.lines.join("\n")).not.toContain("me:");
  });
});

describe("JobImages", () => {
  test("looks for an image once, also when asked twice at the same time", async () => {
    const { engine, store, log } = setUp();
    const images = new JobImages(store);
    engine.outcomes.push("done", "done");
    const wish = () => images.ensure(request("a:1"), log, { signal: NEVER });
    await Promise.all([wish(), wish()]);
    await wish();
    expect(engine.pulls).toHaveLength(1);
    expect(log.lines).toHaveLength(3);
  });

  test("looks again after a failure", async () => {
    const { engine, store, log } = setUp();
    const images = new JobImages(store);
    engine.outcomes.push(REFUSED, "done");
    const wish = () => images.ensure(request("a:1"), log, { signal: NEVER });
    await expect(wish()).rejects.toThrow("pull access denied");
    expect((await wish()).id).toBe(ID);
  });
});
