/** The helper image: made, saved, loaded and used by jobs whose own images have neither git nor libc. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connectEngine, type Engine } from "../../executors/docker/engine/mod.ts";
import { makeImage, type TestEngine } from "../executors/docker/dockerd.ts";
import { onEachEngine } from "../executors/docker/engines.ts";
import { eventually, expectFailure, expectSuccess, Lab, output, zipFile } from "./lab.ts";
import { EXECUTABLE, RunnerProcess } from "./runner_process.ts";

onEachEngine("runner helper-image", suite);

const NEVER = new AbortController().signal;

function suite(title: string, use: (reach: "loopback") => Promise<TestEngine>): void {
  let daemon: TestEngine;
  let engine: Engine;
  let program: RunnerProcess;
  /** Without git. */
  let bare: string;
  /** With git, and no C library for our executable. */
  let withGit: string;
  /** Unlike the name that other runners of this machine look for. */
  const flavor = `test${crypto.randomUUID().slice(0, 8)}`;
  const name = `gitlab-runner-helper:${flavor}-${
    process.arch === "arm64" ? "arm64" : "x86_64"
  }-v19.4.0`;

  beforeAll(async () => {
    daemon = await use("loopback");
    engine = connectEngine({ host: daemon.host, env: {} });
    bare = await makeImage("busybox.sh", daemon.host);
    withGit = await makeImage("foreign_libc.sh", daemon.host);
    program = new RunnerProcess({ DOCKER_HOST: daemon.host });
  }, 60_000);
  afterAll(async () => {
    await docker("rmi", "-f", name).catch(() => {});
    await program?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  const docker = (...args: string[]) =>
    output(["docker", ...args], { env: { DOCKER_HOST: daemon.host } });
  const helperImage = (...args: string[]) =>
    program.command(["helper-image", ...args, "--helper-image-flavor", flavor]);
  const build = () => helperImage("build", "--as-is", "--base", withGit);

  /** A job that needs all of the helper: sources, cache, artifacts. */
  async function run(...docker: string[]) {
    const lab = await Lab.open({
      entry: [
        'executor = "docker"',
        "[runners.docker]",
        `host = "${daemon.host}"`,
        `image = "${bare}"`,
        'network_mode = "host"',
        'pull_policy = "never"',
        "disable_cache = true",
        ...docker,
      ],
    });
    await using opened = lab.start();
    const job = await opened.run({
      repository: opened.repositories.app,
      script: ["cat README.md; ls -ld README.md; mkdir -p out; echo made > out/file"],
      cache: [{ key: "k", paths: ["out/"], policy: "pull-push" }],
      artifacts: [{ paths: ["out/"], artifact_type: "archive", artifact_format: "zip" }],
    });
    const file = job.state === "success"
      ? await zipFile(opened.artifact(job.job), "out/file")
      : undefined;
    return { job, file };
  }

  test("build, save and load make an image that jobs find by its flavor", async () => {
    expect(await build()).toMatchObject({ code: 0, stderr: "" });
    const built = await engine.inspectImage(name, { signal: NEVER });
    expect(built).toMatchObject({ entrypoint: [], command: ["sh"] });
    expect(await helperImage("save", "--file", "helper.tar")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Saved .* to helper\.tar \(\d+\.\d MB\)\n$/),
    });
    await docker("rmi", name);
    expect(await helperImage("load", "-f", "helper.tar")).toMatchObject({ code: 0 });
    const loaded = await engine.inspectImage(name, { signal: NEVER });
    if (built === "not-found") throw new Error("the image is not there");
    expect(loaded).toMatchObject({ id: built.id, labels: built.labels });
    const { job, file } = await run(`helper_image_flavor = "${flavor}"`);
    expectSuccess(job);
    expect(job.plain).toContain("two\n");
    expect(file).toBe("made\n");
  }, 60_000);

  test("a helper image with nothing but git is given this executable", async () => {
    const { job, file } = await run(`helper_image = "${withGit}"`);
    expectSuccess(job);
    expect(file).toBe("made\n");
  }, 60_000);

  test("a job whose image has no git gets GitLab's helper image where no other is", async () => {
    const other = `${flavor}-gitlab`;
    const gitlab = `registry.gitlab.com/gitlab-org/gitlab-runner/${name.replace(flavor, other)}`;
    await docker("tag", withGit, gitlab);
    try {
      const { job, file } = await run(`helper_image_flavor = "${other}"`);
      expectSuccess(job);
      // Podman takes the name of ours, which has no registry in it, for the end of any other.
      const line = `Using helper image: ${gitlab} (the job's own`;
      expect(job.plain.includes(line)).toBe(!title.endsWith("podman"));
      expect(file).toBe("made\n");
    } finally {
      await docker("rmi", gitlab);
    }
  }, 60_000);

  test("a job whose image has no git says what to do where GitLab's is not to be had", async () => {
    const { job } = await run(`helper_image_flavor = "${flavor}-none"`);
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toContain('has no git. Make a helper image with "runner helper-image build"');
    expect(job.plain).toContain("GitLab's is not to be had: ");
  }, 60_000);

  test("what cannot be done is one line that says why, and leaves nothing behind", async () => {
    const refusals = {
      "the base has no git": [
        ["build", "--as-is", "--base", bare],
        `The base image "${bare}" has no git, and nothing may be installed`,
      ],
      "the base has no package manager": [
        ["build", "--base", bare],
        "There is no apt-get, apk, microdnf or dnf to install git",
      ],
      "another processor": [
        ["build", "--as-is", "--base", withGit, "--executable", `${EXECUTABLE}-of-nobody`],
        `Cannot read the executable "${EXECUTABLE}-of-nobody"`,
      ],
      "no such image": [["save", "-f", "x.tar", "--name", "nobody/made:it"], "has no image"],
      "no such file": [["load", "-f", "nowhere.tar"], "there is no such file"],
      "no image in it": [["load", "-f", "config.toml", "--name", `${name}-bad`], "FATAL"],
    } as const;
    await Bun.write(`${program.dir}/config.toml`, "concurrent = 1\n".repeat(100));
    for (const [args, words] of Object.values(refusals)) {
      const { code, stderr } = await helperImage(...args);
      expect(stderr).toContain(words);
      expect(code).toBe(1);
    }
    for (const args of [["build"], ["save"], ["bake", "-f", "x"]]) {
      expect((await helperImage(...args)).code).toBe(1);
    }
    const labels = { "com.gitlab.gitlab-runner.type": "helper-image" };
    expect(await engine.listContainers({ labels, all: true }, { signal: NEVER })).toEqual([]);
    expect(await Array.fromAsync(new Bun.Glob("*.part").scan(program.dir))).toEqual([]);
  }, 60_000);

  test("an image that another one takes the name of is gone, unless it has one more", async () => {
    const idOf = async (image: string) => {
      const found = await engine.inspectImage(image, { signal: NEVER });
      return found === "not-found" ? found : found.id;
    };
    expect(await build()).toMatchObject({ code: 0 });
    const first = await idOf(name);
    expect(await build()).toMatchObject({ code: 0 });
    const second = await idOf(name);
    expect(second).not.toBe(first);
    expect(await idOf(first)).toBe("not-found");
    expect(await helperImage("save", "--file", "older.tar")).toMatchObject({ code: 0 });
    await docker("tag", name, `${name}-kept`);
    expect(await build()).toMatchObject({ code: 0 });
    const third = await idOf(name);
    expect(await idOf(second)).toBe(second);
    expect(await helperImage("load", "--file", "older.tar")).toMatchObject({ code: 0 });
    expect(await idOf(name)).toBe(second);
    expect(await idOf(third)).toBe("not-found");
    await docker("rmi", `${name}-kept`);
  }, 60_000);

  test("a build that is killed leaves no container behind", async () => {
    const labels = { "com.gitlab.gitlab-runner.type": "helper-image" };
    const containers = (all: boolean) => engine.listContainers({ labels, all }, { signal: NEVER });
    const args = [
      "helper-image",
      "build",
      "--as-is",
      "--base",
      withGit,
      "--name",
      `${name}-killed`,
    ];
    const env = program.env;
    const child = Bun.spawn([EXECUTABLE, ...args], { env, stdout: "ignore", stderr: "ignore" });
    while ((await containers(false)).length === 0) await Bun.sleep(5);
    child.kill("SIGKILL");
    await child.exited;
    await eventually(
      async () => (await containers(true)).length === 0,
      "an engine without leftovers",
    );
    // So it was killed before its end.
    const killed = await engine.inspectImage(`${name}-killed`, { signal: NEVER });
    expect(killed).toBe("not-found");
  }, 60_000);

  test("an interrupted save leaves no half file", async () => {
    expect(await build()).toMatchObject({ code: 0 });
    const child = Bun.spawn([EXECUTABLE, "helper-image", "save", "-f", "cut.tar", "--name", name], {
      cwd: program.dir,
      env: program.env,
      stderr: "pipe",
    });
    while ((await Array.fromAsync(new Bun.Glob("cut.tar*").scan(program.dir))).length === 0) {
      await Bun.sleep(5);
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(1);
    expect(await Array.fromAsync(new Bun.Glob("cut.tar*").scan(program.dir))).toEqual([]);
  }, 60_000);
}
