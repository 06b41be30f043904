/** The helper container's needs: an image with git, and this executable in a read-only volume. */

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodeTarHeader, TAR_BLOCK, tarPadding } from "../../core/archive/tar_header.ts";
import { messageOf, SystemFailure } from "../../core/errors.ts";
import { buildInfo, goPlatform } from "../../core/version.ts";
import type { Engine, EngineInfo, Labels } from "./engine/mod.ts";
import { LABEL_PREFIX, typeLabel } from "./names.ts";
import type { Mount } from "./volumes.ts";

/** Where the executable is in a helper container. */
const DIRECTORY = "/opt/gitlab-runner-helper";
const PROGRAM = "gitlab-runner-helper";

export const HELPER_COMMAND: readonly string[] = [`${DIRECTORY}/${PROGRAM}`];

/** Written behind the executable, so that a volume that has it is complete. */
const MARK = "complete";

/** Image of ours that is used when none is configured, if the engine has it. */
export function ownHelperImage(info: EngineInfo): string {
  return `gitlab-runner-helper:${info.architecture}-v${buildInfo.version}`;
}

/** Brings the executable into an engine's volume, once per version and architecture. */
export class HelperExecutable {
  /** This program's own. */
  readonly #path: string;
  readonly #mounts = new Map<string, Promise<Mount>>();

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
    const path = await this.#executableFor(info);
    const { size, mtimeMs } = await stat(path);
    const digest = Bun.hash(`${buildInfo.revision} ${size} ${mtimeMs}`).toString(16);
    const name = `runner-helper-v${buildInfo.version}-${info.architecture}-${digest}`;
    const known = this.#mounts.get(name) ??
      this.#prepare(engine, { name, path, image, size, ...options });
    this.#mounts.set(name, known);
    try {
      return await known;
    } catch (error) {
      this.#mounts.delete(name);
      throw error;
    }
  }

  async #prepare(engine: Engine, fill: VolumeFill): Promise<Mount> {
    const labels = {
      ...typeLabel("helper-volume"),
      [`${LABEL_PREFIX}.helper.volume`]: fill.name,
    };
    const there = await engine.listVolumes(labels, { signal: fill.signal });
    if (!there.some(({ name }) => name === fill.name)) await this.#fill(engine, fill, labels);
    return {
      Type: "volume",
      Source: fill.name,
      Target: DIRECTORY,
      ReadOnly: true,
      VolumeOptions: { Labels: labels, NoCopy: true },
    };
  }

  /** A process that dies in the middle leaves a volume without the mark: {@link HELPER_PROBE}. */
  async #fill(engine: Engine, fill: VolumeFill, labels: Labels): Promise<void> {
    const { name, path, image, size, signal } = fill;
    const container = `${name}-fill-${crypto.randomUUID().slice(0, 8)}`;
    const mount: Mount = {
      Type: "volume",
      Source: name,
      Target: DIRECTORY,
      VolumeOptions: { Labels: labels, NoCopy: true },
    };
    const spec = {
      Image: image,
      Entrypoint: ["/none"],
      Labels: labels,
      HostConfig: { Mounts: [mount], NetworkMode: "none" },
    };
    try {
      const id = await engine.createContainer(container, spec, { signal });
      await engine.putArchive(id, DIRECTORY, executableTar(path, size), { signal });
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

  /** A file beside this executable is taken for an engine of another architecture. */
  async #executableFor(info: EngineInfo): Promise<string> {
    const path = this.#path;
    const wanted = goArchitecture(info.architecture);
    const own = goPlatform();
    if (info.os === own.os && wanted === own.arch) return path;
    const other = join(dirname(path), `runner-${info.os}-${wanted}`);
    if (await Bun.file(other).exists()) return other;
    throw new SystemFailure(
      `The engine runs ${info.os} on ${info.architecture}, which this executable is not for: ` +
        `put the one for it at "${other}"`,
    );
  }
}

interface VolumeFill {
  readonly name: string;
  readonly path: string;
  readonly image: string;
  readonly size: number;
  readonly signal: AbortSignal;
}

const CLEAN_UP_MS = 10_000;

/** Docker's word for a processor in Go's words. */
function goArchitecture(architecture: string): string {
  const names: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
  return names[architecture] ?? architecture;
}

async function* executableTar(path: string, size: number): AsyncGenerator<Uint8Array> {
  const entry = { uid: 0, gid: 0, mtimeMs: 0, kind: "file" } as const;
  yield encodeTarHeader({ ...entry, path: PROGRAM, mode: 0o755, size });
  for await (const chunk of Bun.file(path).slice(0, size).stream()) yield chunk;
  yield tarPadding(size);
  yield encodeTarHeader({ ...entry, path: MARK, mode: 0o444, size: 0 });
  yield new Uint8Array(2 * TAR_BLOCK);
}

/** Prints a word per thing that is missing in a helper container. */
export const HELPER_PROBE: readonly string[] = [
  "sh",
  "-c",
  [
    "command -v git >/dev/null || echo git",
    `[ -e ${DIRECTORY}/${MARK} ] || echo executable`,
    `${HELPER_COMMAND.join(" ")} --version >/dev/null 2>&1 || echo start`,
  ].join("\n"),
];

/** Throws SystemFailure that says what to do about what the probe found missing. */
export function judgeProbe(
  answer: { readonly code: number; readonly text: string },
  helper: { readonly image: string; readonly configured: boolean },
): void {
  const missing = answer.text.split("\n");
  const which = helper.configured
    ? `The helper image "${helper.image}"`
    : `No helper_image is configured, and the job's own image "${helper.image}"`;
  const remedy = 'Name an image that does as "helper_image" in [runners.docker]';
  if (answer.code !== 0) throw new SystemFailure(`${which} has no usable shell: ${answer.text}`);
  if (missing.includes("git")) throw new SystemFailure(`${which} has no git. ${remedy}`);
  if (missing.includes("executable")) {
    throw new SystemFailure(
      `The volume at ${DIRECTORY} of helper containers is incomplete: remove the volumes labelled ` +
        `"${LABEL_PREFIX}.type=helper-volume"`,
    );
  }
  if (missing.includes("start")) {
    throw new SystemFailure(
      `${which} cannot run this executable, which needs the GNU C library. ${remedy}`,
    );
  }
}
