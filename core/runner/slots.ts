/** Numbers that tell parallel jobs apart: the lowest free one, as GitLab Runner hands them out. */

import type { JobSlot } from "../job/spec.ts";

/** A slot held by one job. */
export interface HeldSlot {
  readonly slot: JobSlot;
  /** Settles when the job that had this slot before has left its directories. */
  readonly ready: Promise<void>;
  /**
   * Frees the slot's numbers at once, so that the next job gets the same checkout, and makes that
   * job wait for `tidied`, which must not reject. Calling it twice is harmless.
   */
  release(tidied: Promise<void>): void;
}

/** Slots of one runner entry. */
export class JobSlots {
  readonly #runner = new Set<number>();
  readonly #projects = new Map<number, Set<number>>();
  readonly #tidying = new Map<string, Promise<void>>();

  take(projectId: number): HeldSlot {
    const project = this.#projects.get(projectId) ?? new Set<number>();
    this.#projects.set(projectId, project);
    const slot = { runner: lowestFree(this.#runner), project: lowestFree(project) };
    this.#runner.add(slot.runner);
    project.add(slot.project);
    const place = `${projectId}/${slot.project}`;
    let held = true;
    return {
      slot,
      ready: this.#tidying.get(place) ?? Promise.resolve(),
      release: (tidied) => {
        if (!held) return;
        held = false;
        project.delete(slot.project);
        // A shared runner meets any number of projects in its life.
        if (project.size === 0) this.#projects.delete(projectId);
        this.#runner.delete(slot.runner);
        const settled = tidied.then(() => {
          if (this.#tidying.get(place) === settled) this.#tidying.delete(place);
        });
        this.#tidying.set(place, settled);
      },
    };
  }
}

function lowestFree(taken: ReadonlySet<number>): number {
  let number = 0;
  while (taken.has(number)) number++;
  return number;
}
