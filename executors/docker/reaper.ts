/** Removes what jobs left in an engine: one job's things by its key, all that nobody owns by labels. */

import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/log/logger.ts";
import { abortable, deadline, DeadlineExceeded } from "../../core/util/abort.ts";
import type { Engine } from "./engine/mod.ts";
import { REAPER_LABELS } from "./names.ts";
import type { Ownership } from "./ownership.ts";

/**
 * Removes the containers, networks and temporary volumes of one job, and what the job itself has
 * started in its network. Throws when one stays.
 */
export async function removeJob(
  engine: Engine,
  key: string,
  its: { signal: AbortSignal },
): Promise<void> {
  const labels = { [REAPER_LABELS.jobKey]: key };
  const containers = await engine.listContainers({ labels, all: true }, its);
  await Promise.all(containers.map(({ id }) => engine.removeContainer(id, its)));
  const [volumes, networks] = await Promise.all([
    engine.listVolumes(labels, its),
    engine.listNetworks(labels, its),
  ]);
  await Promise.all([
    ...volumes.map(({ name }) => engine.removeVolume(name, its)),
    ...networks.map(({ id }) => removeNetwork(engine, id, its)),
  ]);
}

async function removeNetwork(
  engine: Engine,
  id: string,
  its: { signal: AbortSignal },
): Promise<void> {
  const guests = await engine.networkContainers(id, its);
  await Promise.all(guests.map((guest) => engine.removeContainer(guest, its)));
  await engine.removeNetwork(id, its);
}

export interface ReaperOptions {
  readonly engine: Engine;
  readonly ownership: Ownership;
  readonly logger: Logger;
  /** Between two rounds. */
  readonly pauseMs: number;
}

/** An engine under load can take long, but must not hold up the next round for ever. */
const ROUND_MS = 60_000;

/**
 * Keeps an engine clear of what belongs to no living job: at once, and again and again. That is what
 * managers left that live no more, and what this one could not remove when a job had ended.
 */
export class Reaper implements AsyncDisposable {
  readonly #options: ReaperOptions;
  readonly #stopping = new AbortController();
  #wanted = Promise.withResolvers<void>();
  readonly #work: Promise<void>;
  /** So that an engine that is away is not told of in every round. */
  #trouble = "";

  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#work = this.#run();
  }

  /** Begins the next round without delay. */
  hurry(): void {
    this.#wanted.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("The runner is stopping"));
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { pauseMs } = this.#options;
    while (!signal.aborted) {
      using round = deadline(
        ROUND_MS,
        () => new DeadlineExceeded("looking for leftovers", ROUND_MS),
        signal,
      );
      const trouble = await this.#clear(round.signal).then(() => "", messageOf);
      if (trouble !== "" && trouble !== this.#trouble && !signal.aborted) {
        this.#options.logger.warning("Cannot remove what jobs have left in the Docker Engine", {
          error: trouble,
        });
      }
      this.#trouble = trouble;
      using pause = deadline(pauseMs, () => new Error("the next round is due"), signal);
      await abortable(this.#wanted.promise, pause.signal).catch(() => {});
      this.#wanted = Promise.withResolvers();
    }
  }

  async #clear(signal: AbortSignal): Promise<void> {
    const { engine, ownership, logger } = this.#options;
    await ownership.locate(engine, { signal });
    // A manager that was in a container may have come back as another system.
    const labels = { [REAPER_LABELS.managed]: "true" };
    const [containers, volumes, networks] = await Promise.all([
      engine.listContainers({ labels, all: true }, { signal }),
      engine.listVolumes(labels, { signal }),
      engine.listNetworks(labels, { signal }),
    ]);
    const byKey = new Map(
      [...containers, ...volumes, ...networks].map(({ labels: found }) =>
        [found[REAPER_LABELS.jobKey], found] as const
      ),
    );
    for (const [key, found] of byKey) {
      if (key === undefined || !await ownership.isOwnerless(found, engine, { signal })) continue;
      await removeJob(engine, key, { signal });
      logger.warning("Removed what an ended job had left in the Docker Engine", { key });
    }
  }
}
