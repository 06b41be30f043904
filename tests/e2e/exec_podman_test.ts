/** `exec` with podman, found where a user without rights on Docker's socket has it. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { makeImage } from "../executors/docker/dockerd.ts";
import { missingForPodman, usePodman } from "../executors/docker/podman.ts";
import { ExecLab } from "./exec_lab.ts";
import { EXECUTABLE } from "./runner_process.ts";

const missing = missingForPodman() ??
  (Bun.which("unshare") === null ? "unshare is not installed" : undefined);

if (missing === undefined) describe("exec with podman", suite);
else test.skip(`exec with podman: NOT RUN, ${missing}`, () => {});

/** Root may open any socket: Docker's has to be out of sight. */
const WITHOUT_DOCKER = 'mount -t tmpfs none /run && exec "$@"';

function suite(): void {
  test("exec finds podman, which hands sources and artifacts on", async () => {
    await using engine = await usePodman();
    const image = await makeImage("git.sh", engine.host);
    using lab = new ExecLab({
      ".gitlab-ci.yml": `
make:
  stage: build
  image: { name: "${image}", pull_policy: never }
  script: ["wc -l < .gitlab-ci.yml > lines"]
  artifacts: { paths: [lines] }
use:
  image: { name: "${image}", pull_policy: never }
  script: ["cat lines"]
`,
    });
    const runtime = join(lab.dir, "runtime");
    mkdirSync(join(runtime, "podman"), { recursive: true });
    symlinkSync(engine.host.replace("unix://", ""), join(runtime, "podman/podman.sock"));
    const command = [EXECUTABLE, "exec"];
    const child = Bun.spawn(["unshare", "--mount", "sh", "-c", WITHOUT_DOCKER, "sh", ...command], {
      cwd: lab.repository,
      env: { ...lab.env, XDG_RUNTIME_DIR: runtime },
      stdin: "ignore",
      stderr: "pipe",
    });
    const [text, problems] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(problems).toBe("");
    expect(text).toContain("use | 9\n");
    expect(await child.exited).toBe(0);
  }, 120_000);
}
