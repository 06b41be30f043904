/** What a job asks of an engine until its result is known: each call is time that everybody waits. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import type { JobDescriptionInput } from "../../core/embedded/mod.ts";
import { bridgeAddress, type TestEngine, useEngine } from "../executors/docker/dockerd.ts";
import { ListeningProxy } from "../executors/docker/listening_proxy.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectSuccess } from "./lab.ts";

const missing = missingForDocker();
describe.skipIf(missing !== undefined)(
  missing ? `calls of a job: NOT RUN, ${missing}` : "calls of a job",
  () => {
    const disposal = new AsyncDisposableStack();
    let engine: TestEngine;
    beforeAll(async () => {
      engine = disposal.use(await useEngine("machine"));
    });
    afterAll(async () => await disposal.disposeAsync());

    /**
     * How often each kind of call is made, once the runner knows its engine and its images. `lines` are
     * of `[runners.docker]`.
     */
    async function callsOf(
      job: JobDescriptionInput,
      { lines = [], sources = false }: { lines?: readonly string[]; sources?: boolean } = {},
    ): Promise<Record<string, number>> {
      await using proxy = await ListeningProxy.before(engine);
      await using docker = await DockerLab.open({
        engine: proxy,
        coordinator: { hostname: bridgeAddress() },
        docker: ['volumes = ["/cache"]', ...lines],
      });
      const { path, sha } = docker.lab.repositories.app;
      const run = async () => {
        expectSuccess(await docker.lab.run(sources ? { ...job, repository: { path, sha } } : job));
        await docker.onlyCachesLeft();
      };
      docker.lab.start();
      await run();
      // Times of volumes are told in seconds, and what is younger than that is looked at again.
      await Bun.sleep(2500);
      await run();
      proxy.calls.length = 0;
      await run();
      return kindsOf(proxy.calls);
    }

    test("a job of a script alone: one container, and one process in it", async () => {
      expect(await callsOf({ script: "true" })).toEqual(SCRIPT_ALONE);
    }, 60_000);

    test(
      "a job with sources, cache and artifacts: two containers, and a process for each stage",
      async () => {
        const job: JobDescriptionInput = {
          script: "mkdir -p made; date > made/file",
          cache: [{ key: "calls", paths: ["made/"], policy: "pull-push", when: "on_success" }],
          artifacts: [{ paths: ["made/"], when: "on_success" }],
        };
        // One of the processes tidies up when the result is known.
        expect(await callsOf(job, { sources: true })).toEqual({
          "POST /volumes/create": 3,
          "GET /images/NAME/json": 1,
          "POST /containers/create": 2,
          "POST /containers/ID/start": 2,
          "POST /containers/ID/exec": 6,
          "POST /exec/ID/start": 6,
          "GET /exec/ID/json": 6,
        });
      },
      60_000,
    );

    test("a job with volumes of its own: nothing more", async () => {
      const lines = ["disable_cache = true"];
      expect(await callsOf({ script: "true" }, { lines })).toEqual(SCRIPT_ALONE);
    }, 60_000);
  },
);

const SCRIPT_ALONE = {
  "POST /volumes/create": 3,
  "GET /images/NAME/json": 1,
  "POST /containers/create": 1,
  "POST /containers/ID/start": 1,
  "POST /containers/ID/exec": 1,
  "POST /exec/ID/start": 1,
  "GET /exec/ID/json": 1,
};

/** From the first that makes something to the one that begins to remove it. */
function kindsOf(calls: readonly string[]): Record<string, number> {
  const begin = calls.findIndex((call) => call.startsWith("POST "));
  const end = calls.findIndex((call) => call.includes("job.key="));
  const counts: Record<string, number> = {};
  const asked = new Set<string>();
  for (const call of calls.slice(begin, end)) {
    // Between jobs the runner asks whether the engine is there, and for what others have left.
    if (call === "GET /_ping" || call.includes("label")) continue;
    // How a process has ended may be asked for some times.
    if (call.startsWith("GET /exec") && asked.has(call)) continue;
    asked.add(call);
    const kind = call.replace(/\?.*$/, "").replace(/\/[0-9a-f]{64}/, "/ID")
      .replace(/\/images\/.*\//, "/images/NAME/");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
