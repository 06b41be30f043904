/** Who a process is to an engine that others use too: what it makes, and what nobody owns any more. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { tryLockFile } from "../../core/util/file_lock.ts";
import type { Labels } from "./engine/mod.ts";
import { type ManagerIdentity, managerLabels, REAPER_LABELS } from "./names.ts";

/** Objects belong to a key, which is a job's or that of other work, and keys to a manager. */
export class Ownership {
  readonly manager: ManagerIdentity;
  /** Keys of what this process is at. */
  readonly #living = new Set<string>();
  /** Keys that are known to be over, whoever had them. */
  readonly #over = new Set<string>();

  constructor(manager: ManagerIdentity) {
    this.manager = manager;
  }

  /** From now until `drop`, what is labelled with the key is in use. Labels of such objects. */
  claim(key: string): Labels {
    this.#living.add(key);
    return { ...managerLabels(this.manager), [REAPER_LABELS.jobKey]: key };
  }

  drop(key: string): void {
    this.#living.delete(key);
  }

  /** For keys of dead managers, on whichever host. */
  noteOver(key: string): void {
    this.#over.add(key);
  }

  /**
   * Whether the owner of an object is known to be gone. A manager on another host, or in a container
   * with another file system, cannot be judged, and what has no key belongs to nobody in particular:
   * both are left alone.
   */
  isOwnerless(labels: Labels): boolean {
    const { manager } = this;
    const key = labels[REAPER_LABELS.jobKey];
    if (key === undefined) return false;
    if (this.#over.has(key)) return true;
    if (labels[REAPER_LABELS.hostname] !== manager.hostname) return false;
    if (labels[REAPER_LABELS.instance] === manager.instance) return !this.#living.has(key);
    const stateDir = labels[REAPER_LABELS.stateDir];
    if (stateDir === undefined || !stateDir.startsWith("/")) return false;
    // The lock is this process's own, so whoever had it before is gone.
    if (stateDir === manager.stateDir) return true;
    if (!existsSync(join(stateDir, "lock"))) return false;
    using lock = tryLockFile(join(stateDir, "lock"));
    return lock !== undefined;
  }
}
