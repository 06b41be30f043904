/** Which shell of an image a job's script runs in, and what is said of images without one. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connectEngine } from "../../executors/docker/engine/mod.ts";
import { makeImage, type TestEngine } from "../executors/docker/dockerd.ts";
import { onEachEngine } from "../executors/docker/engines.ts";
import { eventually, expectFailure, expectSuccess, Lab, output } from "./lab.ts";

onEachEngine("the shell of a docker job", suite);

const NO_SOURCES = { GIT_STRATEGY: "none" };

function suite(_name: string, use: () => Promise<TestEngine>): void {
  let engine: TestEngine;
  /** busybox's sh and no other. */
  let busybox: string;
  /** bash, and busybox's sh. */
  let bash: string;
  let lab: Lab;
  const made: string[] = [];
  beforeAll(async () => {
    engine = await use();
    busybox = await makeImage("busybox.sh", engine.host);
    bash = await makeImage("git.sh", engine.host);
    lab = await open();
    lab.start();
  }, 60_000);
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    const env = { DOCKER_HOST: engine.host };
    for (const name of made) await output(["docker", "rmi", "-f", name], { env });
    await engine?.[Symbol.asyncDispose]();
  }, 60_000);

  const open = (entry: readonly string[] = []) =>
    Lab.open({
      entry: [
        'executor = "docker"',
        ...entry,
        "[runners.docker]",
        `host = "${engine.host}"`,
        `image = "${busybox}"`,
        `helper_image = "${bash}"`,
        'pull_policy = "never"',
        'network_mode = "none"',
        "disable_cache = true",
      ],
    });

  /** An image with what a script makes of busybox. */
  async function derive(script: string): Promise<string> {
    const name = `runner-test/shell:${crypto.randomUUID()}`;
    const its = { signal: AbortSignal.timeout(30_000) };
    await using client = connectEngine({ host: engine.host, env: {} });
    const spec = { Image: busybox, Cmd: ["/bin/sh", "-c", script] };
    const id = await client.createContainer(`shell-${crypto.randomUUID()}`, spec, its);
    await client.startContainer(id, its);
    expect(await client.waitContainer(id, its)).toMatchObject({ exitCode: 0 });
    await client.commitContainer(id, name, { changes: ['CMD ["sh"]'], ...its });
    made.push(name);
    await client.removeContainer(id, its);
    return name;
  }

  const shellOf = async (name: string, entrypoint: readonly string[] = []) => {
    const job = await lab.run({
      image: { name, entrypoint },
      script: 'readlink /proc/$$/exe; echo "bash: $BASH_VERSION, ${PLACE:-$0}"',
      variables: NO_SOURCES,
    });
    expectSuccess(job);
    return job.plain;
  };

  test("is bash where there is one, and sh else", async () => {
    expect(await shellOf(bash)).toMatch(/\nbash: 5\.\S+, \/bin\/bash\n/);
    expect(await shellOf(busybox)).toMatch(/\n\/bin\/busybox\nbash: , \/bin\/sh\n/);
  }, 30_000);

  test("is looked for in GitLab Runner's order", async () => {
    // Every place has the same shell under the name that it is called by.
    const places = [
      "/usr/local/bin/bash",
      "/usr/bin/bash",
      "/bin/bash",
      "/usr/local/bin/sh",
      "/usr/bin/sh",
      "/bin/sh",
    ];
    const present = (from: number) =>
      ["mkdir -p /usr/local/bin /usr/bin"].concat(
        places.slice(from).filter((path) => path !== "/bin/sh").map((path) =>
          `printf '#!/bin/busybox sh\\nexport PLACE=${path}\\nexec /bin/busybox sh "$@"' > ${path}; ` +
          `chmod +x ${path}`
        ),
      ).join("; ");
    for (const [from, path] of places.entries()) {
      expect(await shellOf(await derive(present(from)))).toContain(`bash: , ${path}\n`);
    }
  }, 60_000);

  test("is passed over where it cannot be started", async () => {
    const image = await derive(
      "mkdir -p /usr/bin; echo no > /usr/bin/bash; chmod 644 /usr/bin/bash",
    );
    expect(await shellOf(image)).toContain("bash: , /bin/sh\n");
  }, 30_000);

  test("is found by an image's entrypoint too", async () => {
    expect(await shellOf(bash, ["/bin/busybox", "env", "A=1"]))
      .toMatch(/\nbash: 5\.\S+, \/bin\/bash\n/);
  }, 30_000);

  test("is the entrypoint's own where that takes no command", async () => {
    expect(await shellOf(bash, ["/bin/sh", "-c"])).toContain("\nbash: , sh\n");
    expect(await shellOf(bash, ["sh", "-c", "bash"])).toMatch(/\nbash: 5\.\S+, bash\n/);
  }, 30_000);

  test(
    "a job is told that the entrypoint has not run its script, and ends as that does",
    async () => {
      const run = (command: string) =>
        lab.run({
          image: { name: bash, entrypoint: ["sh", "-c", command] },
          script: "echo of the job",
          variables: NO_SOURCES,
        });
      const why = `The entrypoint of image ${bash} has not run the job's script`;
      const silent = await run("echo my own work; sleep 0.5");
      expectSuccess(silent);
      expect(silent.plain).toContain("\nmy own work\n");
      expect(silent.plain).toContain(`\nWARNING: ${why}`);
      const failing = await run("echo my own work; exit 3");
      expectFailure(failing, "script_failure", 3);
      expect(failing.plain).toContain(`\nWARNING: ${why}`);
      expect(failing.plain).toContain("\nERROR: Job failed: exit code 3\n");
    },
    30_000,
  );

  test("what an entrypoint prints stands before the script's output, byte for byte", async () => {
    const job = await lab.run({
      image: { name: bash, entrypoint: ["sh", "-c", "printf 'no end of line'; exec \"$@\"", "x"] },
      script: "printf '\\036\\n'; echo of the job",
      variables: NO_SOURCES,
    });
    expectSuccess(job);
    expect(job.text).toContain("no end of line\x1b[32;1m$ printf");
    expect(job.text).toContain("\x1e\n");
    expect(job.text).not.toMatch(/\x1e[0-9a-f]{16}/);
  }, 30_000);

  test("an entrypoint may send the script's output elsewhere", async () => {
    const job = await lab.run({
      image: { name: bash, entrypoint: ["sh", "-c", 'exec "$@" >&2', "x"] },
      script: "echo of the job",
      variables: NO_SOURCES,
    });
    expectSuccess(job);
    expect(job.plain).toContain("\nof the job\n");
  }, 30_000);

  test("an image that has another shell only is told what it lacks", async () => {
    const name = await derive("cp /bin/busybox /bin/pwsh; rm /bin/sh");
    const job = await lab.run({ image: { name }, script: "true", variables: NO_SOURCES });
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toMatch(
      /The image of container runner-\S+-build has no "sh" in its PATH: jobs run with bash or sh, and scripts for other shells, PowerShell among them, are not built yet\n/,
    );
  }, 30_000);

  test('with shell = "pwsh" no job is taken, and the runner\'s log says why', async () => {
    await using other = await open(['shell = "pwsh"']);
    other.start();
    const job = other.enqueue({ script: "true", variables: NO_SOURCES });
    const told = /Unknown shell \\*"pwsh\\*"; this build has bash, sh/;
    await eventually(() => told.test(other.process.log), "the reason in the runner's log");
    expect(job.state).toBe("pending");
  }, 30_000);
}
