/** Whole jobs on every engine that the docker executor promises to run on. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeImage, type TestEngine } from "../executors/docker/dockerd.ts";
import { onEachEngine } from "../executors/docker/engines.ts";
import { expectSuccess, Lab } from "./lab.ts";

onEachEngine("a docker job", suite);

function suite(_name: string, use: () => Promise<TestEngine>): void {
  let engine: TestEngine;
  let image: string;
  let helper: string;
  beforeAll(async () => {
    engine = await use();
    image = await makeImage("busybox.sh", engine.host);
    helper = await makeImage("foreign_libc.sh", engine.host);
  }, 60_000);
  afterAll(async () => await engine?.[Symbol.asyncDispose]());

  const open = async (flags: readonly string[]) => {
    const lab = await Lab.open({
      entry: [
        'executor = "docker"',
        "[runners.feature_flags]",
        ...flags,
        "[runners.docker]",
        `host = "${engine.host}"`,
        `image = "${image}"`,
        `helper_image = "${helper}"`,
        'pull_policy = "never"',
        "disable_cache = true",
        'volumes = ["/data"]',
      ],
    });
    return lab.start();
  };

  for (const flags of [[], ["FF_NETWORK_PER_BUILD = true"]]) {
    const network = flags.length === 0 ? "the default network" : "a network of its own";
    test(`finds its service in ${network}, by every name`, async () => {
      await using lab = await open(flags);
      const job = await lab.run({
        variables: { GIT_STRATEGY: "none" },
        services: [{
          name: image,
          alias: "web",
          command: ["sh", "-c", "mkdir /www; echo served > /www/file; httpd -f -p 80 -h /www"],
          variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "80" }],
        }],
        script: [
          "wget -qO- http://web/file",
          "wget -qO- http://runner-test__busybox/file http://runner-test-busybox/file",
        ],
      });
      expectSuccess(job);
      expect(job.plain.match(/^served$/gm)).toHaveLength(3);
      expect(job.plain).not.toContain("probably didn't start properly");
    }, 60_000);
  }

  test("lets every user of a job write in its volumes", async () => {
    await using lab = await open([]);
    const job = await lab.run({
      variables: { GIT_STRATEGY: "none" },
      script: "su nobody -s /bin/sh -c 'touch /data/file' && stat -c '%a %u' /data",
    });
    expectSuccess(job);
    expect(job.plain).toContain("\n777 0\n");
  }, 60_000);
}
