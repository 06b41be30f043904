/** The ssh executor on targets that have little more than POSIX. */

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { isRunning } from "../conformance/executor_suite.ts";
import { missingForSshd, startSshd, type TestSshd } from "../fixtures/sshd.ts";
import { eventually, expectFailure, expectSuccess } from "./lab.ts";
import { openSshLab } from "./ssh_lab.ts";

const missing = missingForSshd() ?? (Bun.which("busybox") ? undefined : "busybox is not installed");

if (missing === undefined) {
  describe("ssh executor on a target with busybox alone", () => suite(withBusyboxPath));
  describe("ssh executor in a chroot without /proc", () => suite(inChroot));
} else test.skip(`ssh executor on bare targets: NOT RUN, ${missing}`, () => {});

interface Target extends AsyncDisposable {
  readonly sshd: TestSshd;
}

function suite(open: () => Promise<Target>): void {
  test("runs a job and tells its exit code", async () => {
    await using target = await open();
    await using lab = (await openSshLab(target.sshd, {}, { entry: ['shell = "sh"'] })).start();
    const job = await lab.run({
      script: ["echo $((6 * 7))", "busybox 2>&1 | grep BusyBox", "exit 7"],
    });
    expectFailure(job, "script_failure", 7);
    expect(job.lines).toContain("42");
    expect(job.plain).toContain("BusyBox v");
  }, 30_000);

  test("a canceled job ends at once, after what it has to say", async () => {
    await using target = await open();
    await using lab = (await openSshLab(target.sshd, {}, { entry: ['shell = "sh"'] })).start();
    const naps = [uniqueNap(), uniqueNap()];
    const job = lab.enqueue({
      script: ["trap 'echo tidied up' TERM", `sleep ${naps[0]} & sleep ${naps[1]}`],
      afterScript: ["echo after"],
    });
    await eventually(() => naps.every(isRunning), "the script runs");
    const started = performance.now();
    job.cancel("graceful");
    const finished = await lab.finished(job);
    expect(finished.state).toBe("canceled");
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(finished.lines).toContain("after");
    await eventually(() => !naps.some(isRunning), "the script is ended", 2000);
  }, 30_000);

  test.each(["runner", "server"])("a %s that is killed leaves nothing running", async (which) => {
    await using target = await open();
    await using lab = (await openSshLab(target.sshd, {}, { entry: ['shell = "sh"'] })).start();
    const naps = [uniqueNap(), uniqueNap()];
    const job = lab.enqueue({ script: [`trap '' TERM HUP; sleep ${naps[0]} & sleep ${naps[1]}`] });
    await eventually(() => naps.every(isRunning), "the script runs");
    if (which === "runner") lab.process.signal("SIGKILL");
    else for (const session of target.sshd.sessions()) process.kill(session, "SIGKILL");
    if (which === "server") expectFailure(await lab.finished(job), "runner_system_failure");
    await eventually(() => !naps.some(isRunning), "the script is ended", 5000);
  }, 30_000);

  test("what a script leaves running ends with it", async () => {
    await using target = await open();
    await using lab = (await openSshLab(target.sshd, {}, { entry: ['shell = "sh"'] })).start();
    const nap = uniqueNap();
    expectSuccess(await lab.run({ script: [`(trap '' TERM HUP; exec sleep ${nap}) & true`] }));
    await eventually(() => !isRunning(nap), "it is ended", 5000);
  }, 30_000);
}

/** Everything but the login shell is busybox. */
async function withBusyboxPath(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), "runner-busybox-"));
  installBusybox(directory);
  const sshd = await startSshd({ environment: [`PATH=${directory}`] });
  return {
    sshd,
    async [Symbol.asyncDispose]() {
      await sshd[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** sshd takes no root that others may write to, which those for temporary files are. */
async function inChroot(): Promise<Target> {
  const root = mkdtempSync("/run/runner-chroot-");
  chmodSync(root, 0o755);
  for (const name of ["bin", "dev", "root", "tmp"]) mkdirSync(join(root, name));
  Bun.spawnSync(["mknod", "-m", "666", join(root, "dev/null"), "c", "1", "3"]);
  installBusybox(join(root, "bin"));
  writeFileSync(join(root, "bin/bash"), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const sshd = await startSshd({
    home: "/root",
    environment: ["PATH=/bin"],
    lines: [`ChrootDirectory ${root}`],
  });
  return {
    sshd,
    async [Symbol.asyncDispose]() {
      await sshd[Symbol.asyncDispose]();
      rmSync(root, { recursive: true });
    },
  };
}

function installBusybox(directory: string): void {
  const program = join(directory, "busybox");
  copyFileSync(Bun.which("busybox") ?? "", program);
  chmodSync(program, 0o755);
  const { stdout } = Bun.spawnSync([program, "--list"]);
  for (const applet of new TextDecoder().decode(stdout).trim().split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(directory, applet));
  }
}
