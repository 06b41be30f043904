/** A whole job on an engine that is reached through ssh. */

import { expect, test } from "bun:test";
import { makeImage, missingForDocker, useEngine } from "../executors/docker/dockerd.ts";
import { sshUsers } from "../executors/docker/engine/ssh_users.ts";
import { missingForSshd, startSshd } from "../fixtures/sshd.ts";
import { expectSuccess, Lab } from "./lab.ts";

const missing = missingForDocker() ?? missingForSshd();

test.skipIf(missing !== undefined)(
  `a docker job on an engine behind ssh${missing === undefined ? "" : `: NOT RUN, ${missing}`}`,
  async () => {
    await using engine = await useEngine();
    await using sshd = await startSshd();
    const image = await makeImage("busybox.sh", engine.host);
    const helper = await makeImage("foreign_libc.sh", engine.host);
    await using lab = await Lab.open({
      // As the README advises.
      env: (await sshUsers(sshd)).sharing,
      entry: [
        'executor = "docker"',
        "[runners.docker]",
        `host = "ssh://root@127.0.0.1:${sshd.port}${engine.host.slice("unix://".length)}"`,
        `image = "${image}"`,
        `helper_image = "${helper}"`,
        'network_mode = "none"',
        'pull_policy = "never"',
        "disable_cache = true",
      ],
    });
    const job = await lab.start().run({
      variables: { GIT_STRATEGY: "empty" },
      script: ["echo $((20 + 22)); head -c 100000 /dev/zero | tr '\\0' x"],
    });
    expectSuccess(job);
    expect(job.plain).toContain("\n42\n");
    expect(job.plain).toContain("x".repeat(100_000));
  },
  90_000,
);
