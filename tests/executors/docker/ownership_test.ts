import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryLockFile } from "../../../core/util/file_lock.ts";
import type { ContainerDetails } from "../../../executors/docker/engine/mod.ts";
import { type ManagerIdentity, managerLabels } from "../../../executors/docker/names.ts";
import { containerIdIn } from "../../../executors/docker/own_container.ts";
import { Ownership } from "../../../executors/docker/ownership.ts";

const NEVER = new AbortController().signal;
const START = { id: "a".repeat(64), startedAt: "2026-08-01T10:00:00.5Z" };
const HERE: ManagerIdentity = {
  systemId: "s_1",
  instance: "1",
  stateDir: "/nowhere/0",
  hostname: "here",
};
const ELSEWHERE: ManagerIdentity = {
  ...HERE,
  systemId: "r_2",
  instance: "2",
  hostname: "aaaaaaaaaaaa",
};

type Found = Partial<ContainerDetails> | "not-found";

function engineWith(found: Found) {
  return { inspectContainer: async () => found as ContainerDetails | "not-found" };
}

/** Whether a manager here takes the other one's job for ownerless. */
async function judged(other: ManagerIdentity, found: Found = "not-found"): Promise<boolean> {
  const labels = {
    ...managerLabels(other),
    "com.gitlab.gitlab-runner.job.key": "0123456789abcdef",
  };
  const own = new Ownership(HERE, new Set());
  return await own.isOwnerless(labels, engineWith(found), { signal: NEVER });
}

test.each<[string, Found, boolean]>([
  ["was removed", "not-found", true],
  ["has ended", { state: "exited", startedAt: START.startedAt }, true],
  ["was started again", { state: "running", startedAt: "2026-08-01T10:00:01Z" }, true],
  ["runs", { state: "running", startedAt: START.startedAt }, false],
  ["is paused", { state: "paused", startedAt: START.startedAt }, false],
])("a job whose manager's container %s", async (_what, found, expected) => {
  expect(await judged({ ...ELSEWHERE, container: START }, found)).toBe(expected);
});

test("a living manager's job is left alone that has host name and path in common", async () => {
  const alive = { state: "running", startedAt: START.startedAt } as const;
  expect(await judged({ ...HERE, instance: "2", container: START }, alive)).toBe(false);
  expect(await judged({ ...HERE, instance: "2" })).toBe(true);
});

test("a manager in no container is judged by its lock, on its own host and system", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "ownership-"));
  try {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, "lock"), "");
    const other = { ...HERE, instance: "2", stateDir };
    expect(await judged({ ...other, systemId: "s_2" })).toBe(false);
    expect(await judged({ ...other, hostname: "there" })).toBe(false);
    expect(await judged(other)).toBe(true);
    using _held = tryLockFile(join(stateDir, "lock"));
    expect(await judged(other)).toBe(false);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
});

test("what this process is at is its own, by whichever address it knows the engine", async () => {
  const living = new Set<string>();
  const labels = new Ownership(HERE, living).claim("0123456789abcdef");
  const other = new Ownership(HERE, living);
  const engine = engineWith("not-found");
  expect(await other.isOwnerless(labels, engine, { signal: NEVER })).toBe(false);
  other.drop("0123456789abcdef");
  expect(await other.isOwnerless(labels, engine, { signal: NEVER })).toBe(true);
});

test.each([
  [
    "Docker",
    `1 2 254:1 /var/lib/docker/containers/${START.id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/x rw`,
    START.id,
  ],
  [
    "podman",
    `1 2 0:9 /containers/overlay-containers/${START.id}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw`,
    START.id,
  ],
  [
    "a host",
    `1 2 254:1 /var/lib/docker/containers/${START.id}/mounts/shm /run/shm rw - tmpfs`,
    undefined,
  ],
])("the container of this process is told by the mounts of %s", (_what, line, expected) => {
  expect(containerIdIn(`22 1 254:1 / / rw - ext4 /dev/root rw\n${line}\n`)).toBe(expected);
});
