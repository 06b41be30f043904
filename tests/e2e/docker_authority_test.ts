/** An authority of the operator's, mounted as GitLab's manual on self-signed certificates says. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import {
  deriveImage,
  makeImage,
  missingForDocker,
  type TestEngine,
  useEngine,
} from "../executors/docker/dockerd.ts";
import { expectSuccess, Lab } from "./lab.ts";

const LIMIT = 60_000;
const missing = missingForDocker();

describe.skipIf(missing !== undefined)(
  missing ? `docker and authorities: NOT RUN, ${missing}` : "docker and authorities",
  () => {
    let engine: TestEngine;
    let image: string;
    beforeAll(async () => {
      engine = await useEngine("machine");
      image = await makeImage("git.sh", engine.host);
    }, LIMIT);
    afterAll(async () => await engine?.[Symbol.asyncDispose]());

    const open = async (helper: string) => {
      const lab = await Lab.open();
      writeFileSync(lab.path("ca.crt"), "of the operator\n");
      lab.process.configure([{
        url: lab.coordinator.url,
        token: lab.runner.token,
        lines: [
          'executor = "docker"',
          "[runners.feature_flags]",
          "FF_TIMESTAMPS = false",
          "[runners.docker]",
          `host = "${engine.host}"`,
          `image = "${image}"`,
          `helper_image = "${helper}"`,
          'pull_policy = "never"',
          "disable_cache = true",
          `volumes = ["${lab.path("ca.crt")}:/etc/gitlab-runner/certs/ca.crt:ro"]`,
        ],
      }]);
      return lab.start();
    };
    const description = {
      variables: { GIT_STRATEGY: "none" },
      script: ["cat ../trusted", "cat /etc/gitlab-runner/certs/ca.crt"],
      cache: [{ key: "k", paths: ["absent"], policy: "pull" as const }],
    };

    test("the helper has its system trust a mounted ca.crt, once", async () => {
      const update = "cat /usr/local/share/ca-certificates/*.crt >> /builds/local/trusted";
      await using helper = await deriveImage(engine.host, image, [
        "USER 0",
        `RUN mkdir -p /usr/sbin && printf '#!/bin/sh\\nmkdir -p /builds/local\\n%s\\n' '${update}' ` +
        "> /usr/sbin/update-ca-certificates && chmod 755 /usr/sbin/update-ca-certificates",
      ]);
      await using lab = await open(helper.name);
      const job = await lab.run(description);
      expectSuccess(job);
      expect(job.plain.match(/^of the operator$/gm)).toHaveLength(2);
      expect(job.plain).not.toContain("Cannot trust");
    }, LIMIT);

    test("a helper that cannot says so, and the job goes on", async () => {
      await using lab = await open(image);
      const job = await lab.run({ ...description, script: "echo goes on" });
      expectSuccess(job);
      expect(job.plain.match(/WARNING: Cannot trust .*ca\.crt: update-ca-certificates/g))
        .toHaveLength(1);
    }, LIMIT);
  },
);
