/** A machine that lacks what a job needs: programs, permissions, space. */

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";

import { expectFailure, expectSuccess, type FinishedJob, Lab, output } from "./lab.ts";

const isRoot = process.getuid?.() === 0;

/** A search path with the usual programs but `without`. */
function pathWithout(lab: string, without: readonly string[]): string {
  const bin = `${lab}/bin`;
  mkdirSync(bin);
  const needed = ["bash", "sh", "cat", "rm", "mkdir", "chmod", "find", "git", "sleep", "hostname"];
  for (const name of needed.filter((each) => !without.includes(each))) {
    const program = Bun.which(name);
    if (program !== null) symlinkSync(program, `${bin}/${name}`);
  }
  return bin;
}

async function labWithout(...programs: readonly string[]): Promise<Lab> {
  const lab = await Lab.open();
  lab.process.env["PATH"] = pathWithout(lab.process.dir, programs);
  // A login shell's profile would put the system's own search path back.
  writeFileSync(lab.path("home/.bash_profile"), `export PATH=${lab.process.env["PATH"]}\n`);
  return lab;
}

test.concurrent("without git, the job fails and its log names git", async () => {
  await using lab = await labWithout("git");
  const job = await lab.start().run({ repository: lab.repositories.app, script: "echo never" });
  expect(job.state).toBe("failed");
  expect(job.plain).toMatch(/git: command not found/);
  expect(job.lines).not.toContain("never");
});

test.concurrent("without bash, sh does", async () => {
  await using lab = await labWithout("bash");
  const job = await lab.start().run({ script: "echo by sh" });
  expectSuccess(job);
  expect(job.lines).toContain("by sh");
  expect(job.lines).toContain("Using Shell (sh) executor...");
});

test.concurrent("without any shell, no job is taken, and the log says what to install", async () => {
  await using lab = await labWithout("bash", "sh");
  const job = lab.start().enqueue({ script: "true" });
  await Bun.sleep(1500);
  expect(job.state).toBe("pending");
  expect(lab.process.log).toContain("bash or sh is not in PATH");
});

test.concurrent("a builds_dir that cannot be made fails the job and is named", async () => {
  await using lab = await Lab.open({ entry: ['shell = "bash"'] });
  writeFileSync(lab.path("file"), "in the way");
  const job = await runIn(lab, lab.path("file/builds"));
  expectFailure(job, "runner_system_failure");
  expect(job.plain).toContain(`builds_dir "${lab.path("file/builds")}"`);
  expect(job.plain).toContain("ERROR: Job failed (system failure)");
}, 30_000);

test.skipIf(!isRoot)(
  "a builds_dir that the runner may not write fails the job and is named (needs root)",
  async () => {
    await using lab = await Lab.open();
    const path = lab.path("read-only");
    mkdirSync(path);
    await using mounted = await mountTmpfs(path, "size=64k,ro");
    const job = await runIn(lab, mounted.path);
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toContain(path);
    expect(job.plain).toMatch(/read-only file system/i);
  },
  30_000,
);

async function runIn(lab: Lab, buildsDir: string): Promise<FinishedJob> {
  const before = lab.process.configPath;
  const text = await Bun.file(before).text();
  await Bun.write(before, text.replace(`${lab.process.dir}/builds`, buildsDir));
  chmodSync(before, 0o600);
  return await lab.start().run({ script: "true" });
}

interface Mounted extends AsyncDisposable {
  readonly path: string;
}

async function mountTmpfs(path: string, options: string): Promise<Mounted> {
  mkdirSync(path, { recursive: true });
  await output(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]);
  return { path, [Symbol.asyncDispose]: async () => void await output(["umount", "-l", path]) };
}

const FILL = "head -c 3000000 /dev/urandom | base64";

test.skipIf(!isRoot)("a full disk while a job talks loses no result (needs root)", async () => {
  await using lab = await Lab.open();
  // State of jobs lies beside config.toml.
  await using disk = await mountTmpfs(lab.path("small"), "size=1m");
  const small = `${disk.path}/config.toml`;
  await output(["cp", "-p", lab.process.configPath, small]);
  lab.start(["--config", small]);
  const job = await lab.run({ script: ["echo begins", FILL, "echo ends"] });
  expect(job.lines).toContain("begins");
  expect(["success", "failed"]).toContain(job.state);
  if (job.state === "failed") {
    expect(job.failureReason).toBe("runner_system_failure");
    expect(job.plain).toMatch(/no space left/i);
  }
  expect(job.checksum).toBe("match");
  // The disk has room again: the runner goes on.
  expectSuccess(await lab.run({ script: "true" }));
}, 30_000);

test.skipIf(!isRoot)(
  "a full disk while archiving fails only what needs the space, and is named (needs root)",
  async () => {
    await using lab = await Lab.open();
    await using disk = await mountTmpfs(lab.path("small-cache"), "size=1m");
    const config = await Bun.file(lab.process.configPath).text();
    await Bun.write(
      lab.process.configPath,
      config.replace(`cache_dir = "${lab.process.dir}/cache"`, `cache_dir = "${disk.path}"`),
    );
    const job = await lab.start().run({
      script: "head -c 3000000 /dev/urandom > big",
      cache: [{ key: "k", paths: ["big"], policy: "push" }],
    });
    expectSuccess(job);
    expect(job.lines).toContain("Failed to create cache");
    expect(job.plain).toMatch(/no space left/i);
  },
  30_000,
);

test.skipIf(!isRoot)(
  "a full disk in the job's directory is the job's failure (needs root)",
  async () => {
    await using lab = await Lab.open();
    await using disk = await mountTmpfs(lab.path("small-builds"), "size=1m");
    const config = await Bun.file(lab.process.configPath).text();
    await Bun.write(
      lab.process.configPath,
      config.replace(`builds_dir = "${lab.process.dir}/builds"`, `builds_dir = "${disk.path}"`),
    );
    const job = await lab.start().run({ script: "head -c 3000000 /dev/urandom > big" });
    expectFailure(job, "script_failure", 1);
    expect(job.plain).toMatch(/no space left/i);
  },
  30_000,
);
