/** Podman's Docker-compatible service, with its own storage and socket. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers, type TestEngine } from "./dockerd.ts";

/** Why tests on podman cannot run here; undefined: they can. */
export function missingForPodman(): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root";
  if (Bun.which("podman") === null) return "podman is not installed";
  return Bun.which("docker") === null ? "the docker command is not installed" : undefined;
}

/**
 * A service whose containers and images are nobody else's, and go with it. It asks `registries`
 * (`127.0.0.1:41234`) without TLS.
 */
export async function usePodman(registries: readonly string[] = []): Promise<TestEngine> {
  const directory = await mkdtemp(join(tmpdir(), "podman-"));
  const host = `unix://${directory}/podman.sock`;
  const log = join(directory, "log");
  const podman = [
    "podman",
    ...["--root", join(directory, "root"), "--runroot", join(directory, "run")],
    ...["--tmpdir", join(directory, "tmp"), "--cgroup-manager", "cgroupfs"],
  ];
  // Its own limits are higher than what the root of a container or a small machine may give, and
  // crun does not run where both generations of control groups are mounted. Locks in shared memory
  // would be those of every podman on this machine.
  const config = join(directory, "containers.conf");
  const limits = 'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]';
  await writeFile(
    config,
    `[containers]\n${limits}\n[engine]\nruntime = "runc"\nlock_type = "file"\n`,
  );
  const insecure = join(directory, "registries.conf");
  const tables = registries.map((each) => `[[registry]]\nlocation = "${each}"\ninsecure = true\n`);
  await writeFile(insecure, tables.join(""));
  const service = Bun.spawn([...podman, "system", "service", "--time", "0", host], {
    env: { ...process.env, CONTAINERS_CONF: config, CONTAINERS_REGISTRIES_CONF: insecure },
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(log),
  });
  const own: TestEngine = {
    host,
    async [Symbol.asyncDispose]() {
      await Bun.spawn([...podman, "rm", "--all", "--force", "--time", "0"], {
        stdout: "ignore",
        stderr: "ignore",
      }).exited;
      service.kill();
      await service.exited;
      await removeStorage(directory);
    },
  };
  for (let waits = 0; !await answers(host); waits++) {
    if (waits > 150 || service.exitCode !== null) {
      const told = await Bun.file(log).text();
      await own[Symbol.asyncDispose]();
      throw new Error(`podman does not start:\n${told.slice(-2000)}`);
    }
    await Bun.sleep(100);
  }
  return own;
}

/** What cleans up behind a container's end may mount the storage once more. */
async function removeStorage(directory: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    await Bun.spawn(["umount", "-R", "-l", join(directory, "root", "overlay")], {
      stderr: "ignore",
    }).exited;
    try {
      return await rm(directory, { recursive: true, force: true });
    } catch (error) {
      if (attempt === 20) throw error;
      await Bun.sleep(250);
    }
  }
}
