/** The executable in a read-only volume, for helper images that do not have it. */

import { messageOf, SystemFailure } from "../../../core/errors.ts";
import { buildInfo } from "../../../core/version.ts";
import type { Engine, EngineInfo, Labels } from "../engine/mod.ts";
import { LABEL_PREFIX, typeLabel } from "../names.ts";
import type { Mount } from "../volumes.ts";
import { goArchitecture } from "./own_image.ts";
import { HELPER_DIRECTORY, type HelperProgram, helperProgram, programTar } from "./program.ts";

/** Brings the executable into an engine's volume, once per version and architecture. */
export class HelperVolume {
  /** This program's own executable. */
  readonly #path: string;
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
    // Asked for each job: whoever prunes an engine's volumes takes this one along when it is idle.
    const there = await engine.listVolumes(labels, { signal });
    if (!there.some((volume) => volume.name === name)) {
      await this.#fillOnce(engine, { name, program, image, labels, signal });
    }
    return {
      Type: "volume",
      Source: name,
      Target: HELPER_DIRECTORY,
      ReadOnly: true,
      VolumeOptions: { Labels: labels, NoCopy: true },
    };
  }

  async #fillOnce(engine: Engine, fill: VolumeFill): Promise<void> {
    const running = this.#filling.get(fill.name) ??
      fillVolume(engine, fill).finally(() => this.#filling.delete(fill.name));
    this.#filling.set(fill.name, running);
    await running;
  }
}

interface VolumeFill {
  readonly name: string;
  readonly program: HelperProgram;
  readonly image: string;
  readonly labels: Labels;
  readonly signal: AbortSignal;
}

const CLEAN_UP_MS = 10_000;

/** A process that dies in the middle leaves a volume without the mark, which the probe tells. */
async function fillVolume(engine: Engine, fill: VolumeFill): Promise<void> {
  const { name, program, image, labels, signal } = fill;
  const container = `${name}-fill-${crypto.randomUUID().slice(0, 8)}`;
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
  try {
    const id = await engine.createContainer(container, spec, { signal });
    await engine.putArchive(id, HELPER_DIRECTORY, programTar(program), { signal });
  } catch (cause) {
    await engine.removeVolume(name, { signal: AbortSignal.timeout(CLEAN_UP_MS) }).catch(() => {});
    throw new SystemFailure(
      `Cannot copy this executable into volume ${name}: ${messageOf(cause)}`,
      { cause },
    );
  } finally {
    await engine.removeContainer(container, { signal: AbortSignal.timeout(CLEAN_UP_MS) });
  }
}
