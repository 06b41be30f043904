import { describe, expect, test } from "bun:test";
import { EngineError } from "../../../../executors/docker/engine/mod.ts";
import { auth, DIGEST, ID, imageDetails, request, setUp } from "./fake_engine.ts";
import { LineLog, NEVER } from "./support.ts";

const BAD_GATEWAY = new EngineError("server", "received unexpected HTTP status: 502 Bad Gateway");

describe("ImageStore shares pulls", () => {
  test("between jobs that ask for one image by different names", async () => {
    const { engine, store } = setUp();
    engine.images.set("debian:latest", imageDetails());
    engine.images.set("docker.io/library/debian", imageDetails());
    const logs = [new LineLog(), new LineLog(), new LineLog()];
    const all = ["debian", "debian:latest", "docker.io/library/debian"].map((image, index) =>
      store.ensure(request(image), logs[index]!, { signal: NEVER })
    );
    await settle();
    expect(engine.pulls).toHaveLength(1);
    engine.pulls[0]!.finish();
    expect((await Promise.all(all)).map(({ id }) => id)).toEqual([ID, ID, ID]);
    for (const { lines } of logs) expect(lines[1]).toStartWith("print Pulling docker image ");
  });

  test("and tells each of them why it is repeated", async () => {
    const { engine, store } = setUp();
    const logs = [new LineLog(), new LineLog()];
    const all = logs.map((log) => store.ensure(request("a:1"), log, { signal: NEVER }));
    await settle();
    engine.outcomes.push("done");
    engine.pulls[0]!.fail(BAD_GATEWAY);
    await Promise.all(all);
    expect(engine.pulls).toHaveLength(2);
    for (const { lines } of logs) expect(lines[2]).toContain("(attempt #1), retrying: ");
  });

  test("never between different credentials or platforms", async () => {
    const { engine, store, log } = setUp();
    const image = "r.example.com/a:1";
    const all = [
      request(image),
      request(image, auth("one")),
      request(image, auth("two")),
      request(image, { platform: "linux/arm64" }),
    ].map((wish) => store.ensure(wish, log, { signal: NEVER }));
    await settle();
    expect(engine.pulls.map(({ auth, platform }) => auth?.username ?? platform).toSorted())
      .toEqual(["linux/arm64", "one", "two", undefined]);
    for (const pull of engine.pulls) pull.finish();
    await Promise.all(all);
  });

  test("and one job's abort leaves the pull to the others", async () => {
    const { engine, store, log } = setUp();
    const [first, second] = [new AbortController(), new AbortController()];
    const left = store.ensure(request("a:1"), log, { signal: first.signal });
    const stays = store.ensure(request("a:1"), log, { signal: second.signal });
    await settle();
    first.abort(new Error("canceled"));
    await expect(left).rejects.toThrow("canceled");
    expect(engine.pulls[0]?.signal.aborted).toBe(false);
    engine.pulls[0]!.finish();
    expect((await stays).id).toBe(ID);
  });

  test("until the last job has left: then the pull ends, and the next job gets a new one", async () => {
    const { engine, store, log } = setUp();
    const controller = new AbortController();
    const left = store.ensure(request("a:1"), log, { signal: controller.signal });
    await settle();
    controller.abort(new Error("canceled"));
    await expect(left).rejects.toThrow("canceled");
    const next = store.ensure(request("a:1"), log, { signal: NEVER });
    await settle();
    expect(engine.pulls).toHaveLength(2);
    expect(engine.pulls[0]?.signal.aborted).toBe(true);
    expect(engine.pulls[1]?.signal.aborted).toBe(false);
    engine.pulls[1]!.finish();
    await next;
  });

  test("but not an older state of a tag with a job that wants the present one", async () => {
    const { engine, store, log } = setUp();
    const old = store.ensure(request("a:1"), log, { signal: NEVER });
    await settle();
    engine.pulls[0]!.progress();
    const fresh = store.ensure(request("a:1"), log, { signal: NEVER });
    await settle();
    const any = store.ensure(request("a:1", { policies: ["if-not-present"] }), log, {
      signal: NEVER,
    });
    await settle();
    expect(engine.pulls).toHaveLength(2);
    for (const pull of engine.pulls) pull.finish();
    await Promise.all([old, fresh, any]);
  });

  test("and a repeated attempt with whoever comes before it looked the tag up", async () => {
    const { engine, store, log } = setUp();
    const first = store.ensure(request("a:1"), log, { signal: NEVER });
    await settle();
    engine.pulls[0]!.progress();
    engine.pulls[0]!.fail(BAD_GATEWAY);
    await until(() => engine.pulls.length === 2);
    const second = store.ensure(request("a:1"), log, { signal: NEVER });
    await settle();
    expect(engine.pulls).toHaveLength(2);
    engine.pulls[1]!.finish();
    await Promise.all([first, second]);
  });

  test("and a digest at any time, since it never changes", async () => {
    const { engine, store, log } = setUp();
    const image = `a@${DIGEST}`;
    const first = store.ensure(request(image), log, { signal: NEVER });
    await settle();
    engine.pulls[0]!.progress();
    const second = store.ensure(request(image), log, { signal: NEVER });
    await settle();
    expect(engine.pulls).toHaveLength(1);
    engine.pulls[0]!.finish();
    await Promise.all([first, second]);
  });
});

async function until(done: () => boolean): Promise<void> {
  while (!done()) await settle();
}

/** Lets everything go on that waits for nothing outside. */
async function settle(): Promise<void> {
  await Bun.sleep(1);
}
