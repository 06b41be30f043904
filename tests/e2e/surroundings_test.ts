/** Machines that lack what a program takes for granted: a home, a user's name, a working directory. */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { programEnd } from "../fixtures/program_end.ts";
import { eventually, EXECUTABLE, RunnerProcess } from "./runner_process.ts";

/** Runs a shell command in which "$0" is the executable. */
async function shell(script: string, env: Record<string, string> = {}) {
  return await programEnd(Bun.spawn(["sh", "-c", script, EXECUTABLE], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  }));
}

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(
  "a user without home and without an entry in the user database can run commands (needs root)",
  async () => {
    const { stdout, stderr, code } = await shell(
      'exec 3< "$0" && cd / && ' +
        "exec setpriv --reuid 61234 --regid 61234 --clear-groups /proc/self/fd/3 --version",
    );
    expect(stderr).toBe("");
    expect(stdout).toContain("Version:");
    expect(code).toBe(0);
  },
);

test("a working directory that has been removed keeps no command from running", async () => {
  await using runner = new RunnerProcess();
  writeFileSync(runner.configPath, "");
  const gone = `mkdir ${runner.dir}/gone && cd ${runner.dir}/gone && rmdir ${runner.dir}/gone && `;
  const version = await shell(`${gone} exec "$0" --version`);
  expect(version).toMatchObject({ code: 0, stderr: "" });
  const list = await shell(`${gone} exec "$0" list -c ${runner.configPath}`);
  expect(list.code).toBe(0);
  const relative = await shell(`${gone} exec "$0" list -c own.toml`);
  expect(relative.code).toBe(0);
  expect(relative.stderr).toContain(`"${runner.dir}/gone/own.toml"`);
});

test("a working directory that is not there is named", async () => {
  await using runner = new RunnerProcess();
  writeFileSync(runner.configPath, "");
  const args = ["run", "-c", runner.configPath, "--working-directory", "/no/such/place"];
  const { code, stderr } = await runner.command(args);
  expect(code).toBe(1);
  expect(stderr).toContain(
    'FATAL: Cannot work in the directory "/no/such/place": it does not exist',
  );
});

test("output that cannot be written is one line and exit code 1", async () => {
  const { code, stderr } = await shell('exec "$0" --version > /dev/full');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^\S+: Cannot write the output: ENOSPC[^\n]*\n$/);
});

test("a log that cannot be written ends no runner and no job", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  runner.configure([{ url: coordinator.url, token: coordinator.addRunner().token }]);
  const child = Bun.spawn(
    ["sh", "-c", 'exec "$0" "$@" 2> /dev/full', EXECUTABLE, "run", "-c", runner.configPath],
    { cwd: runner.dir, env: runner.env, stdin: "ignore", stdout: "ignore" },
  );
  try {
    const job = await eventually(
      () => coordinator.enqueue({ script: "true" }).finished,
      "the job's end",
    );
    expect(job.state).toBe("success");
    expect(child.exitCode).toBe(null);
  } finally {
    child.kill();
    await child.exited;
  }
});

test("register that cannot write leaves the file whole, GitLab without a runner, and no lock", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ registrationToken: "reg" });
  await using runner = new RunnerProcess();
  writeFileSync(runner.configPath, "concurrent = 3 # mine\n");
  // Files that may not grow stand for a full disk.
  const { code, stderr } = await shell(
    `trap '' XFSZ; ulimit -f 0; exec "$0" register -n -c ${runner.configPath} ` +
      `-u ${coordinator.url} -r reg --executor shell`,
    { HOME: runner.dir },
  );
  expect(code).toBe(1);
  expect(stderr).toContain(`Cannot write configuration "${runner.configPath}": EFBIG`);
  expect(coordinator.runners()).toEqual([]);
  expect(readFileSync(runner.configPath, "utf8")).toBe("concurrent = 3 # mine\n");
  const left = readdirSync(runner.dir).filter((name) => name.startsWith(".config.toml"));
  expect(left).toEqual([]);
});
