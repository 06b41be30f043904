/** Removes what jobs left in an engine: one job's things by its key, dead managers' by their labels. */

import { join } from "node:path";
import { existsSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/log/logger.ts";
import { tryLockFile } from "../../core/util/file_lock.ts";
import type { Engine, Labels } from "./engine/mod.ts";
import { type ManagerIdentity, REAPER_LABELS } from "./names.ts";

/** Removes the containers, networks and temporary volumes of one job. Throws when one stays. */
export async function removeJob(
  engine: Engine,
  key: string,
  options: { volumes: boolean; signal: AbortSignal },
): Promise<void> {
  const labels = { [REAPER_LABELS.jobKey]: key };
  const its = { signal: options.signal };
  const containers = await engine.listContainers({ labels, all: true }, its);
  await Promise.all(containers.map(({ id }) => engine.removeContainer(id, its)));
  const [volumes, networks] = await Promise.all([
    options.volumes ? engine.listVolumes(labels, its) : [],
    engine.listNetworks(labels, its),
  ]);
  await Promise.all([
    ...volumes.map(({ name }) => engine.removeVolume(name, its)),
    ...networks.map(({ id }) => engine.removeNetwork(id, its)),
  ]);
}

/** Removes the jobs of managers that live no more. Problems are logged. */
export async function reapDeadManagers(
  engine: Engine,
  manager: ManagerIdentity,
  options: { logger: Logger; signal: AbortSignal },
): Promise<void> {
  const { logger, signal } = options;
  const labels = {
    [REAPER_LABELS.managed]: "true",
    [REAPER_LABELS.systemId]: manager.systemId,
  };
  try {
    const [containers, volumes, networks] = await Promise.all([
      engine.listContainers({ labels, all: true }, { signal }),
      engine.listVolumes(labels, { signal }),
      engine.listNetworks(labels, { signal }),
    ]);
    const keys = new Set(
      [...containers, ...volumes, ...networks].flatMap(({ labels: found }) => {
        const key = found[REAPER_LABELS.jobKey];
        return key !== undefined && isDead(found, manager) ? [key] : [];
      }),
    );
    for (const key of keys) {
      await removeJob(engine, key, { volumes: true, signal });
      logger.warning("Removed the containers of a job whose runner died", { key });
    }
  } catch (error) {
    logger.warning("Cannot look for containers that dead runners left", {
      error: messageOf(error),
    });
  }
}

/**
 * Whether the process that made an object is known to be gone. A manager on another host, or in a
 * container with another file system, cannot be judged and is left alone.
 */
function isDead(labels: Labels, manager: ManagerIdentity): boolean {
  if (labels[REAPER_LABELS.hostname] !== manager.hostname) return false;
  if (labels[REAPER_LABELS.instance] === manager.instance) return false;
  const stateDir = labels[REAPER_LABELS.stateDir];
  if (stateDir === undefined || !stateDir.startsWith("/")) return false;
  // The lock is this process's own, so whoever had it before is gone.
  if (stateDir === manager.stateDir) return true;
  if (!existsSync(join(stateDir, "lock"))) return false;
  using lock = tryLockFile(join(stateDir, "lock"));
  return lock !== undefined;
}
