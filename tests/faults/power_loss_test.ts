/** The power goes: what the disk had not been told to keep is lost. */

import { dlopen, ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { killTree } from "../../core/util/process_tree.ts";
import { output } from "../e2e/lab.ts";
import { Bench, CHECK_INTERVAL_MS, eventually } from "./harness.ts";

const canRun = process.platform === "linux" && process.getuid?.() === 0 &&
  existsSync("/dev/loop-control") && Bun.which("mkfs.ext4") !== null;
const SUFFIX = canRun ? "" : ": NOT RUN, needs root, loop devices and mkfs.ext4";

test.skipIf(!canRun)(`a result that is kept survives a loss of power${SUFFIX}`, async () => {
  await using bench = await Bench.open();
  await using disk = await Disk.mount(bench.path("disk.img"), bench.path(".runner_state"));
  const gate = bench.gate("go");
  const job = bench.coordinator.enqueue({
    script: ["echo begun", gate.wait, "for i in $(seq 2000); do echo line $i; done", "exit 3"],
    variables: { FF_TIMESTAMPS: "false" },
  });
  bench.start();
  await job.accepted;
  await bench.coordinator.suspend();
  gate.open();
  await eventually(() => bench.process.log.includes("it is kept and sent later"), "it is kept");
  disk.losePower();
  bench.process.signal("SIGKILL");
  await bench.process.exited();
  await disk.mountAgain();
  await bench.coordinator.resume();
  // A new process knows nothing of the last request, and asks at once.
  await Bun.sleep(CHECK_INTERVAL_MS);
  bench.start();
  await bench.expectDelivered(job, {
    state: "failed",
    failureReason: "script_failure",
    prints: ["begun", "line 1", "line 2000"],
  });
  expect((await job.finished).exitCode).toBe(3);
  await bench.process.stop();
}, 60_000);

/** From linux/ext4.h: ends all writing at once; the flag leaves out even the journal. */
const EXT4_IOC_SHUTDOWN = 0x8004587dn;
const NO_LOG_FLUSH = new Uint32Array([2]);

test.skipIf(!canRun)(`a job that runs at a loss of power is answered for${SUFFIX}`, async () => {
  await using bench = await Bench.open();
  await using disk = await Disk.mount(bench.path("disk.img"), bench.path(".runner_state"));
  const job = bench.coordinator.enqueue({
    script: ["echo begun", "sleep 60"],
    variables: { FF_TIMESTAMPS: "false" },
  });
  bench.start();
  await job.accepted;
  await Bun.sleep(2000);
  disk.losePower();
  bench.process.signal("SIGKILL");
  await bench.process.exited();
  await killTree(`TMPDIR=${bench.process.dir}`);
  await disk.mountAgain();
  await Bun.sleep(CHECK_INTERVAL_MS);
  bench.start();
  const { state, failureReason } = await job.finished;
  expect({ state, failureReason }).toEqual({
    state: "failed",
    failureReason: "runner_system_failure",
  });
  expect(await job.trace.text()).toContain("the runner was restarted while the job ran");
  await bench.process.stop();
}, 60_000);

/** A file system of its own, on a file, that keeps nothing of its own accord. */
class Disk implements AsyncDisposable {
  readonly #image: string;
  readonly #path: string;

  static async mount(image: string, path: string): Promise<Disk> {
    await output(["truncate", "-s", "64M", image]);
    await output(["mkfs.ext4", "-q", image]);
    mkdirSync(path);
    const disk = new Disk(image, path);
    await output(["mount", "-o", "loop,commit=300", image, path]);
    return disk;
  }

  private constructor(image: string, path: string) {
    this.#image = image;
    this.#path = path;
  }

  /** From now on nothing reaches the image, not even what has been written already. */
  losePower(): void {
    const descriptor = openSync(this.#path, "r");
    const { symbols, close } = dlopen("libc.so.6", {
      ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    });
    try {
      const failed = symbols.ioctl(descriptor, EXT4_IOC_SHUTDOWN, ptr(NO_LOG_FLUSH));
      if (failed !== 0) throw new Error("Cannot shut the file system down");
    } finally {
      close();
      closeSync(descriptor);
    }
  }

  /** What is left after the loss. A copy: the first may still be in mount namespaces of others. */
  async mountAgain(): Promise<void> {
    const left = `${this.#image}.left`;
    await output(["umount", "-l", this.#path]);
    await output(["cp", this.#image, left]);
    await output(["mount", "-o", "loop,commit=300", left, this.#path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await output(["umount", "-l", this.#path]);
  }
}
