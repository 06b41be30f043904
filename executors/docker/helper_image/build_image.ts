/** Makes a helper image of a base image: git and git-lfs from its packages, this executable, labels. */

import { RunnerError } from "../../../core/errors.ts";
import type { Engine, ImageDetails } from "../engine/mod.ts";
import {
  HELPER_DIRECTORY,
  HELPER_PROBE,
  helperProgram,
  probeFailure,
  programAt,
  programLabel,
  programTar,
} from "../helper/mod.ts";
import { ImageStore } from "../images/mod.ts";
import { typeLabel } from "../names.ts";
import { KEEPER } from "../scripts.ts";
import { installPackages } from "./packages.ts";
import { megabytes, type Progress } from "./progress.ts";
import { replaceImage } from "./replace_image.ts";
import { CONTAINER_PREFIX, removeUnstarted } from "./unstarted.ts";

export interface BuildOptions {
  readonly engine: Engine;
  /** Pulled where the engine does not have it. */
  readonly base: string;
  /** `linux/arm64`; undefined: the engine's own. */
  readonly platform: string | undefined;
  /** What the image is called, by the base's processor. */
  readonly name: (architecture: string) => string;
  /** Nothing is installed: the base has git. */
  readonly asIs: boolean;
  /** This program's own executable. */
  readonly ownExecutable: string;
  /** The one to put into the image; undefined: this one, or the one beside it that fits. */
  readonly executable: string | undefined;
  /** Of the base's registry. */
  readonly credentials: {
    /** Content of `DOCKER_AUTH_CONFIG`. */
    readonly config: string;
    readonly home: string;
    readonly helperEnv: Readonly<Record<string, string>>;
  };
  /** `http_proxy=…` and its like, for the package manager. */
  readonly proxies: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const CLEAN_UP_MS = 30_000;

/** Resolves with the image's name. Throws RunnerError in the words of what failed. */
export async function buildHelperImage(options: BuildOptions): Promise<string> {
  const { engine, ownExecutable, executable, signal } = options;
  const base = await ensureBase(options);
  const platform = { os: base.os, arch: base.architecture };
  const program = executable === undefined
    ? await helperProgram(ownExecutable, platform)
    : await programAt(executable, platform);
  const name = options.name(base.architecture);
  const container = `${CONTAINER_PREFIX}${crypto.randomUUID()}`;
  await removeUnstarted(options);
  try {
    const id = await createContainer(container, base, options);
    await using _input = await startWhileListening(id, options);
    if (!options.asIs) await installPackages(id, options);
    options.progress.line(`Copying ${program.path} (${megabytes(program.size)})`);
    // Everything under one directory that its packages know nothing of.
    await engine.putArchive(id, "/", programTar(program, HELPER_DIRECTORY.slice(1)), { signal });
    await check(id, options);
    const commit = () => engine.commitContainer(id, name, { changes: ['CMD ["sh"]'], signal });
    await replaceImage(name, commit, options);
    return name;
  } finally {
    await engine.removeContainer(container, { signal: AbortSignal.timeout(CLEAN_UP_MS) });
  }
}

async function ensureBase(options: BuildOptions): Promise<ImageDetails> {
  const { engine, base, platform, credentials, progress, signal } = options;
  const store = new ImageStore({
    engine: {
      inspectImage: engine.inspectImage,
      pullImage: (reference, pull) =>
        engine.pullImage(reference, {
          ...pull,
          onProgress(step) {
            pull.onProgress?.(step);
            progress.pulled(step);
          },
        }),
    },
    helperEnv: credentials.helperEnv,
  });
  const { config, home } = credentials;
  const request = {
    image: base,
    policies: ["if-not-present"],
    platform,
    credentials: { authConfig: config, home, job: [] },
  } as const;
  return await store.ensure(request, progress.log, { signal });
}

/** A container's labels and user become the image's; its environment is the base's. */
async function createContainer(
  name: string,
  base: ImageDetails,
  { engine, platform, signal }: BuildOptions,
): Promise<string> {
  const spec = {
    Image: base.id,
    // The one empty word takes away the base's, so that the image has none.
    Entrypoint: [""],
    Cmd: KEEPER,
    User: "0:0",
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: { AutoRemove: true },
    Labels: { ...typeLabel("helper-image"), ...programLabel() },
  };
  return await engine.createContainer(name, spec, {
    ...(platform === undefined ? {} : { platform }),
    signal,
  });
}

/** Its standard input is this process's: the container ends, and goes, however this process does. */
async function startWhileListening(
  id: string,
  { engine, signal }: BuildOptions,
): Promise<AsyncDisposable> {
  const output = { write: () => undefined };
  const streams = await engine.attachContainer(id, { output, stdin: true, signal });
  await engine.startContainer(id, { signal });
  return streams;
}

/** The same questions that a job asks of its helper. */
async function check(id: string, { engine, base, asIs, signal }: BuildOptions): Promise<void> {
  const chunks: Uint8Array[] = [];
  const output = { write: (bytes: Uint8Array) => void chunks.push(bytes.slice()) };
  const { exitCode } = await engine.exec(id, { argv: HELPER_PROBE }, { output, signal });
  const text = Buffer.concat(chunks).toString().trim();
  if (asIs && text.split("\n").includes("git")) {
    throw new RunnerError(`The base image "${base}" has no git, and nothing may be installed`);
  }
  const failure = probeFailure({ code: exitCode, text }, { image: base, isJobImage: false });
  if (failure !== undefined) throw failure;
}
