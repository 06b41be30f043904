/** The executable in a read-only volume, for helper images that do not have it. */

import { messageOf, RunnerError, SystemFailure } from "../../../core/errors.ts";
import { buildInfo } from "../../../core/version.ts";
import { abortable } from "../../../core/util/abort.ts";
import { type Engine, EngineError, type EngineInfo, type Labels } from "../engine/mod.ts";
import { LABEL_PREFIX, typeLabel } from "../names.ts";
import type { Mount } from "../volumes.ts";
import { goArchitecture } from "./own_image.ts";
import { HELPER_DIRECTORY, type HelperProgram, helperProgram, programTar } from "./program.ts";

/**
 * Brings the executable into an engine's volume, once per version and architecture. Disposing it ends
 * what is being brought, and removes the part that was.
 */
export class HelperVolume implements AsyncDisposable {
  /** This program's own executable. */
  readonly #path: string;
  readonly #ending = new AbortController();
  readonly #filling = new Map<string, Promise<void>>();

  constructor(options: { path: string }) {
    this.#path = options.path;
  }

  /** `image` is any that the engine has: a container of it is made, and never started. */
  async mount(
    engine: Engine,
    info: EngineInfo,
    image: string,
    options: { signal: AbortSignal },
  ): Promise<Mount> {
    const { signal } = options;
    const arch = goArchitecture(info.architecture);
    const program = await helperProgram(this.#path, { os: info.os, arch });
    const name = `runner-helper-v${buildInfo.version}-${arch}-${program.digest}`;
    const labels = {
      ...typeLabel("helper-volume"),
      [`${LABEL_PREFIX}.helper.volume`]: name,
    };
    await abortable(this.#ensure(engine, { name, program, image, labels }), signal);
    return {
      Type: "volume",
      Source: name,
      Target: HELPER_DIRECTORY,
      ReadOnly: true,
      VolumeOptions: { Labels: labels, NoCopy: true },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new RunnerError("The runner is stopping"));
    await Promise.allSettled(this.#filling.values());
  }

  /** Jobs of this process share it. Asked for each, since idle volumes are often pruned. */
  async #ensure(engine: Engine, fill: VolumeFill): Promise<void> {
    const running = this.#filling.get(fill.name) ??
      ensureVolume(engine, fill, this.#ending.signal).finally(() =>
        this.#filling.delete(fill.name)
      );
    this.#filling.set(fill.name, running);
    await running;
  }
}

interface VolumeFill {
  readonly name: string;
  readonly program: HelperProgram;
  readonly image: string;
  readonly labels: Labels;
}

const CLEAN_UP_MS = 10_000;

/** Far longer than the copy takes: whoever began it has died. */
const LONGEST_FILL_MS = 60_000;

/**
 * The volume is complete when it is there and no container is that fills it: the container's name
 * is the lock between processes.
 */
async function ensureVolume(
  engine: Engine,
  fill: VolumeFill,
  ending: AbortSignal,
): Promise<void> {
  const filler = `${fill.name}-fill`;
  for (;;) {
    ending.throwIfAborted();
    const limit = { signal: AbortSignal.timeout(LONGEST_FILL_MS) };
    const [isThere, found] = await Promise.all([
      engine.hasVolume(fill.name, limit),
      engine.inspectContainer(filler, limit),
    ]);
    if (found === "not-found" && isThere) return;
    if (found !== "not-found") await waitForFiller(engine, fill.name, found.id, ending);
    else if (await fillVolume(engine, filler, fill, ending)) return;
  }
}

/** One that stays too long was left by a process that died, with a volume that lacks something. */
async function waitForFiller(
  engine: Engine,
  volume: string,
  id: string,
  ending: AbortSignal,
): Promise<void> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(LONGEST_FILL_MS), ending]);
    await engine.waitRemoved(id, { signal });
  } catch {
    ending.throwIfAborted();
    const its = { signal: AbortSignal.timeout(CLEAN_UP_MS) };
    await engine.removeContainer(id, its);
    await engine.removeVolume(volume, its);
  }
}

/** False: another process is filling it. */
async function fillVolume(
  engine: Engine,
  filler: string,
  fill: VolumeFill,
  ending: AbortSignal,
): Promise<boolean> {
  const { name, program, image, labels } = fill;
  const limit = AbortSignal.timeout(LONGEST_FILL_MS);
  const spec = {
    Image: image,
    Entrypoint: ["/none"],
    Labels: labels,
    HostConfig: {
      Mounts: [{
        Type: "volume",
        Source: name,
        Target: HELPER_DIRECTORY,
        VolumeOptions: { Labels: labels, NoCopy: true },
      }],
      NetworkMode: "none",
    },
  };
  // Not given up half-way: a container whose id is not known could not be removed.
  const id = await engine.createContainer(filler, spec, { signal: limit }).catch(
    (error: unknown) => {
      if (error instanceof EngineError && error.kind === "conflict") return undefined;
      throw error;
    },
  );
  if (id === undefined) return false;
  const cleanUp = () => ({ signal: AbortSignal.timeout(CLEAN_UP_MS) });
  try {
    const signal = AbortSignal.any([limit, ending]);
    await engine.putArchive(id, HELPER_DIRECTORY, programTar(program), { signal });
    await engine.removeContainer(id, cleanUp());
    await removeOutdated(engine, name, cleanUp()).catch(() => {});
    return true;
  } catch (cause) {
    await engine.removeContainer(id, cleanUp());
    await engine.removeVolume(name, cleanUp()).catch(() => {});
    const words = messageOf(cause);
    throw new SystemFailure(`Cannot copy this executable into volume ${name}: ${words}`, { cause });
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
