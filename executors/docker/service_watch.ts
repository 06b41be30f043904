/** What becomes of a job's services, as the engine tells it. */

import { messageOf } from "../../core/errors.ts";
import type { JobLog } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import { abortable, deadline, delay } from "../../core/util/abort.ts";
import type { ContainerDetails, Engine, EngineEvent, Labels } from "./engine/mod.ts";

export interface ServiceWatchOptions {
  readonly engine: Pick<Engine, "events" | "inspectContainer">;
  /** Of the job's service containers. */
  readonly labels: Labels;
  readonly log: JobLog;
  readonly logger: Logger;
}

/** Between two looks where an engine's events may not come through. */
const LOOK_AGAIN_MS = 1000;

/** Until an engine that has ended its events is asked for them again. */
const ASK_AGAIN_MS = 1000;

/** Far longer than a container lives whose first process was killed for want of memory. */
const DYING_MS = 500;

/** Listens from its construction to its disposal, which is before the services are ended. */
export class ServiceWatch implements AsyncDisposable {
  readonly #options: ServiceWatchOptions;
  readonly #stopping = new AbortController();
  /** Whoever waits for the next event of a container, by its id. */
  readonly #bells = new Map<string, PromiseWithResolvers<void>>();
  readonly #ranOut = new Set<string>();
  readonly #work: Promise<void>[];

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#work = [this.#listen()];
  }

  /**
   * Looks at a container now and when something happens to it, until `judge` is content. Rejects
   * with what `judge` throws.
   */
  async until(
    id: string,
    judge: (found: ContainerDetails) => boolean,
    options: { lookAgainMs?: number; signal: AbortSignal },
  ): Promise<void> {
    const { lookAgainMs = LOOK_AGAIN_MS, signal } = options;
    for (;;) {
      const event = this.#nextEvent(id);
      const found = await this.#options.engine.inspectContainer(id, { signal });
      if (found === "not-found") throw new Error("its container was removed");
      if (judge(found)) return;
      using patience = deadline(lookAgainMs, () => new Error("there was no event"), signal);
      await abortable(event, patience.signal).catch(() => signal.throwIfAborted());
    }
  }

  /** From now on the job's log tells, once, when this service ends or runs out of memory. */
  tellEnd(id: string, name: string): void {
    const { log, logger } = this.#options;
    let told = false;
    const judge = (found: ContainerDetails) => {
      const ranOut = found.oomKilled || this.#ranOut.has(id);
      if (found.state === "exited" || found.state === "dead") {
        if (ranOut) log.warning(`Service ${name} was killed because it ran out of memory`);
        else log.warning(`Service ${name} has ended with exit code ${found.exitCode}`);
        return true;
      }
      if (ranOut && !told) {
        told = true;
        log.warning(`Service ${name} ran out of memory, and one of its processes was killed`);
      }
      return false;
    };
    const { signal } = this.#stopping;
    const telling = this.until(id, judge, { lookAgainMs: Infinity, signal }).catch((error) => {
      if (signal.aborted) return;
      logger.debug("Cannot watch a service", { service: name, error: messageOf(error) });
    });
    this.#work.push(telling);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("the job's services are being ended"));
    this.#ringAll();
    await Promise.all(this.#work);
  }

  async #listen(): Promise<void> {
    const { engine, labels, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        for await (const event of engine.events({ types: ["container"], labels }, { signal })) {
          this.#take(event);
        }
      } catch (error) {
        logger.debug("The events of a job's services have ended", { error: messageOf(error) });
      }
      if (signal.aborted) return;
      await delay(ASK_AGAIN_MS, { signal }).catch(() => {});
      this.#ringAll();
    }
  }

  #take({ action, id }: EngineEvent): void {
    if (action === "die" || action.startsWith("health_status")) this.#ring(id);
    if (action !== "oom") return;
    this.#ranOut.add(id);
    // The container's own end, when it comes, says all.
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    delay(DYING_MS, { signal }).then(() => this.#ring(id), () => {});
  }

  #nextEvent(id: string): Promise<void> {
    const bell = this.#bells.get(id) ?? Promise.withResolvers<void>();
    this.#bells.set(id, bell);
    return bell.promise;
  }

  #ring(id: string): void {
    this.#bells.get(id)?.resolve();
    this.#bells.delete(id);
  }

  #ringAll(): void {
    for (const id of [...this.#bells.keys()]) this.#ring(id);
  }
}
