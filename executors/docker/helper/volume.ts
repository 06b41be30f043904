/** The executable in a read-only volume, for helper images that do not have it. */

import { randomBytes } from "node:crypto";
import { messageOf, RunnerError, SystemFailure } from "../../../core/errors.ts";
import { buildInfo } from "../../../core/version.ts";
import { abortable } from "../../../core/util/abort.ts";
import {
  type ContainerSpec,
  type Engine,
  EngineError,
  type EngineInfo,
  type Labels,
} from "../engine/mod.ts";
import { LABEL_PREFIX, REAPER_LABELS, typeLabel } from "../names.ts";
import type { Ownership } from "../ownership.ts";
import type { Mount } from "../volumes.ts";
import { goArchitecture } from "./own_image.ts";
import {
  HELPER_DIRECTORY,
  type HelperProgram,
  helperProgram,
  MARK,
  programTar,
} from "./program.ts";

const VOLUME_LABEL = `${LABEL_PREFIX}.helper.volume`;

/** The executable as one engine's helper containers have it. */
export interface HelperMount {
  readonly volume: string;
  readonly program: HelperProgram;
  readonly labels: Labels;
  readonly mount: Mount;
  /** As of `createVolume`. */
  readonly createdAt: string;
}

/** A container that has the volume mounted, and an image that the engine has. */
interface Asking {
  readonly container: string;
  readonly image: string;
}

const COMPLETE = `${HELPER_DIRECTORY}/${MARK}`;

const CLEAN_UP_MS = 10_000;

/** Engines tell times in seconds: in this time another volume of that name may have the same. */
const SAME_TIME_MS = 2000;

/** A slow line to an engine elsewhere takes 120 MB in this time. */
const LONGEST_FILL_MS = 300_000;

/**
 * Brings the executable into an engine's volume, once per version and architecture. Disposing it ends
 * what is being brought, and removes the part that was.
 */
export class HelperVolume implements AsyncDisposable {
  /** This program's own executable. */
  readonly #path: string;
  readonly #ownership: Ownership;
  readonly #ending = new AbortController();
  readonly #filling = new Map<string, Promise<void>>();
  /** By volume: when the one was made that was found to be complete. */
  readonly #complete = new Map<string, string>();

  constructor(options: { path: string; ownership: Ownership }) {
    this.#path = options.path;
    this.#ownership = options.ownership;
  }

  /** The volume is there then, and perhaps empty: `fill` is next. */
  async mount(
    engine: Engine,
    info: EngineInfo,
    { signal }: { signal: AbortSignal },
  ): Promise<HelperMount> {
    const arch = goArchitecture(info.architecture);
    const program = await helperProgram(this.#path, { os: info.os, arch });
    const volume = `runner-helper-v${buildInfo.version}-${arch}-${program.digest}`;
    const labels = {
      [REAPER_LABELS.managed]: "true",
      ...typeLabel("helper-volume"),
      [VOLUME_LABEL]: volume,
    };
    // Podman forgets the labels of a volume that is made with its container.
    const createdAt = await engine.createVolume(volume, { labels, signal });
    const options = { Labels: labels, NoCopy: true };
    const mount = {
      Type: "volume",
      Source: volume,
      Target: HELPER_DIRECTORY,
      ReadOnly: true,
      VolumeOptions: options,
    } as const;
    return { volume, program, labels, mount, createdAt };
  }

  /** Resolves when all of the executable is in the volume. Jobs of this process share the work. */
  async fill(
    engine: Engine,
    mount: HelperMount,
    { signal, ...asking }: Asking & { signal: AbortSignal },
  ): Promise<void> {
    const { volume, createdAt } = mount;
    if (this.#complete.get(volume) === createdAt) return;
    if (!await engine.hasFile(asking.container, COMPLETE, { signal })) {
      const running = this.#filling.get(volume) ??
        this.#fill(engine, mount, asking).finally(() => this.#filling.delete(volume));
      this.#filling.set(volume, running);
      await abortable(running, signal);
    }
    if (Date.now() - Date.parse(createdAt) > SAME_TIME_MS) this.#complete.set(volume, createdAt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new RunnerError("The runner is stopping"));
    await Promise.allSettled(this.#filling.values());
  }

  /** The name of the container that fills it is the lock between processes. */
  async #fill(engine: Engine, mount: HelperMount, asking: Asking): Promise<void> {
    for (;;) {
      this.#ending.signal.throwIfAborted();
      if (await this.#tryFill(engine, mount, asking.image)) return;
      await this.#outlast(engine, mount);
      const its = { signal: AbortSignal.timeout(LONGEST_FILL_MS) };
      if (await engine.hasFile(asking.container, COMPLETE, its)) return;
    }
  }

  /** Waits for another process to be done, or takes away what a dead one has left. */
  async #outlast(engine: Engine, { labels }: HelperMount): Promise<void> {
    const { signal } = this.#ending;
    const clean = { signal: AbortSignal.timeout(CLEAN_UP_MS) };
    for (const found of await engine.listContainers({ labels, all: true }, clean)) {
      if (!await this.#ownership.isOwnerless(found.labels, engine, clean)) {
        const limit = AbortSignal.any([AbortSignal.timeout(LONGEST_FILL_MS), signal]);
        const isGone = await engine.waitRemoved(found.id, { signal: limit })
          .then(() => true, () => false);
        signal.throwIfAborted();
        if (isGone) continue;
      }
      await engine.removeContainer(found.id, { signal: AbortSignal.timeout(CLEAN_UP_MS) });
    }
  }

  /** False: another process is at it. */
  async #tryFill(engine: Engine, mount: HelperMount, image: string): Promise<boolean> {
    const { volume, labels, program } = mount;
    const key = randomBytes(8).toString("hex");
    const spec = {
      Image: image,
      Entrypoint: ["/none"],
      Labels: { ...labels, ...this.#ownership.claim(key) },
      HostConfig: { Mounts: [{ ...mount.mount, ReadOnly: false }], NetworkMode: "none" },
    };
    try {
      const id = await createUnlessThere(engine, `${volume}-fill`, spec);
      if (id === undefined) return false;
      try {
        const limit = AbortSignal.timeout(LONGEST_FILL_MS);
        const signal = AbortSignal.any([limit, this.#ending.signal]);
        await engine.putArchive(id, HELPER_DIRECTORY, programTar(program), { signal });
      } finally {
        await engine.removeContainer(id, { signal: AbortSignal.timeout(CLEAN_UP_MS) });
      }
      const its = { signal: AbortSignal.timeout(CLEAN_UP_MS) };
      await removeOutdated(engine, volume, its).catch(() => {});
      return true;
    } catch (cause) {
      // Where helpers have it mounted, it stays for whoever fills it next.
      const its = { signal: AbortSignal.timeout(CLEAN_UP_MS) };
      await engine.removeVolume(volume, its).catch(() => {});
      const words = messageOf(cause);
      throw new SystemFailure(`Cannot copy this executable into volume ${volume}: ${words}`, {
        cause,
      });
    } finally {
      this.#ownership.drop(key);
    }
  }
}

/** Undefined: the name is taken. Not given up half-way: its id would not be known. */
async function createUnlessThere(
  engine: Engine,
  name: string,
  spec: ContainerSpec,
): Promise<string | undefined> {
  try {
    return await engine.createContainer(name, spec, {
      signal: AbortSignal.timeout(LONGEST_FILL_MS),
    });
  } catch (error) {
    if (error instanceof EngineError && error.kind === "conflict") return undefined;
    throw error;
  }
}

/** Long enough that no job of another version is just about to use one. */
const OUTDATED_MS = 86_400_000;

/** Each version leaves its own; one that containers use stays, and one that is missed is made again. */
async function removeOutdated(
  engine: Engine,
  name: string,
  its: { signal: AbortSignal },
): Promise<void> {
  const all = await engine.listVolumes(typeLabel("helper-volume"), its);
  const outdated = all.filter((volume) =>
    volume.name !== name && Date.now() - volume.createdAtMs > OUTDATED_MS
  );
  await Promise.allSettled(outdated.map((volume) => engine.removeVolume(volume.name, its)));
}
