/** Who a process is to an engine that others use too: what it makes, and what nobody owns any more. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { tryLockFile } from "../../core/util/file_lock.ts";
import type { Engine, Labels } from "./engine/mod.ts";
import { managerContainer, type ManagerIdentity, managerLabels, REAPER_LABELS } from "./names.ts";
import { findOwnContainer, isOver } from "./own_container.ts";

/** What of an engine this needs. */
export type OwnersEngine = Pick<Engine, "inspectContainer">;

/**
 * Objects of one engine belong to a key, which is a job's or that of other work, and keys to a
 * manager.
 */
export class Ownership {
  #manager: ManagerIdentity;
  #located: Promise<void> | undefined;
  readonly #living: Set<string>;
  /** Keys that are known to be over, whoever had them. */
  readonly #over = new Set<string>();

  /**
   * `living`: keys of what this process is at, shared by all its ownerships: it may know one engine by
   * several addresses.
   */
  constructor(manager: ManagerIdentity, living: Set<string>) {
    this.#living = living;
    this.#manager = manager;
  }

  get manager(): ManagerIdentity {
    return this.#manager;
  }

  /** Finds out, once, whether this process runs in a container of the engine. */
  async locate(engine: OwnersEngine, options: { signal: AbortSignal }): Promise<void> {
    this.#located ??= findOwnContainer(engine, options).then((container) => {
      this.#manager = { ...this.#manager, container };
    });
    try {
      await this.#located;
    } catch (error) {
      this.#located = undefined;
      throw error;
    }
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
   * Whether the owner of an object is known to be gone. A manager in a container is, when that was
   * stopped or removed, or was started anew. Others are judged by their lock, if they are of this
   * system and host. The rest is left alone, and so is what has no key: it belongs to nobody in
   * particular.
   */
  async isOwnerless(
    labels: Labels,
    engine: OwnersEngine,
    options: { signal: AbortSignal },
  ): Promise<boolean> {
    const key = labels[REAPER_LABELS.jobKey];
    if (key === undefined || this.#living.has(key)) return false;
    if (this.#over.has(key)) return true;
    const container = managerContainer(labels);
    if (container !== undefined && await isOver(container, engine, options)) return true;
    // Another container may have a host name and a path in common with this one.
    if (container?.id !== this.#manager.container?.id) return false;
    return this.#isUnlocked(labels);
  }

  #isUnlocked(labels: Labels): boolean {
    const manager = this.#manager;
    if (labels[REAPER_LABELS.systemId] !== manager.systemId) return false;
    if (labels[REAPER_LABELS.hostname] !== manager.hostname) return false;
    if (labels[REAPER_LABELS.instance] === manager.instance) return true;
    const stateDir = labels[REAPER_LABELS.stateDir];
    if (stateDir === undefined || !stateDir.startsWith("/")) return false;
    // The lock is this process's own, so whoever had it before is gone.
    if (stateDir === manager.stateDir) return true;
    if (!existsSync(join(stateDir, "lock"))) return false;
    using lock = tryLockFile(join(stateDir, "lock"));
    return lock !== undefined;
  }
}
