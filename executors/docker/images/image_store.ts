/** The images of one engine: found or pulled as the policies say, with the job told how. */

import { JobConfigurationError, SystemFailure } from "../../../core/errors.ts";
import type { JobLog } from "../../../core/executor.ts";
import type { Engine, ImageDetails } from "../engine/mod.ts";
import { type ImageName, isImageId, parseImageName, repositoryOf } from "./image_name.ts";
import { matchesPlatform } from "./platform.ts";
import { isPullFailure, NoSuchImage, type PullFailure, reasonOf, wordsOf } from "./pull_failure.ts";
import { listed, type PullPolicy } from "./pull_policy.ts";
import { type CredentialSources, findRegistryAuth } from "./registry_auth.ts";
import { SharedPulls, type SharedPullsOptions } from "./shared_pulls.ts";

/** What of an engine images need. */
export type ImageEngine = Pick<Engine, "inspectImage" | "pullImage">;

export interface ImageStoreOptions {
  readonly engine: ImageEngine;
  /** The complete environment of credential helpers; they are looked for in its PATH. */
  readonly helperEnv: Readonly<Record<string, string>>;
  /** How long one pull may take, with its retries: an hour unless told. Milliseconds. */
  readonly pullTimeoutMs?: number;
  /** Milliseconds to wait after failed attempt `attempt`, the first being 0. */
  readonly retryDelayMs?: SharedPullsOptions["retryDelayMs"];
}

export interface ImageRequest {
  /** Name or id, variables expanded. */
  readonly image: string;
  /** Tried in turn; see `effectivePolicies`. */
  readonly policies: readonly PullPolicy[];
  /** `linux/arm64`; undefined: the engine's own. */
  readonly platform: string | undefined;
  readonly credentials: CredentialSources;
  /** Called before each pull. */
  readonly onPull?: () => void;
}

/** Long enough for tens of gigabytes over a slow line; a pull that hangs still ends. */
const PULL_TIMEOUT_MS = 3_600_000;

/** Finds and pulls images; the jobs of one engine share it, and with it their pulls. */
export class ImageStore {
  readonly #engine: ImageEngine;
  readonly #pulls: SharedPulls;
  readonly #helperEnv: Readonly<Record<string, string>>;

  constructor(options: ImageStoreOptions) {
    const { engine, helperEnv, pullTimeoutMs: timeoutMs = PULL_TIMEOUT_MS, retryDelayMs } = options;
    this.#engine = engine;
    this.#helperEnv = helperEnv;
    const delays = retryDelayMs === undefined ? {} : { retryDelayMs };
    this.#pulls = new SharedPulls({ engine, timeoutMs, ...delays });
  }

  /**
   * The image, once it is there; create containers by its `id`, since the name may move on. Throws
   * JobConfigurationError for what is no name, SystemFailure when no policy led to an image, and
   * EngineError when the engine is gone. When `signal` aborts, other jobs' pulls go on.
   */
  async ensure(
    request: ImageRequest,
    log: JobLog,
    options: { signal: AbortSignal },
  ): Promise<ImageDetails> {
    const { image, policies } = request;
    const name = parseImageName(image);
    if (name === undefined && !isImageId(image)) {
      throw new JobConfigurationError(`Cannot use image "${image}": invalid reference format`);
    }
    log.print(`Using effective pull policy of ${listed(policies)} for container ${image}`);
    const { signal } = options;
    let last: PullFailure = new NoSuchImage(image);
    for (const [index, policy] of policies.entries()) {
      if (index > 0) log.print(`Attempt #${index + 1}: Trying "${policy}" pull policy`);
      try {
        const found = await this.#byPolicy(policy, name, request, log, signal);
        log.print(`Using docker image ${found.id} for ${image}${digestOf(found, name)} ...`);
        return found;
      } catch (error) {
        signal.throwIfAborted();
        if (!isPullFailure(error)) throw error;
        log.warning(`Failed to pull image with policy "${policy}": ${wordsOf(error)}`);
        last = error;
      }
    }
    const tried = `failed to pull image "${image}" with specified policies ${listed(policies)}`;
    throw new SystemFailure(`${tried}: ${wordsOf(last)}`, { reason: reasonOf(last), cause: last });
  }

  async #byPolicy(
    policy: PullPolicy,
    name: ImageName | undefined,
    request: ImageRequest,
    log: JobLog,
    signal: AbortSignal,
  ): Promise<ImageDetails> {
    const { image, platform } = request;
    if (policy !== "always" || name === undefined) {
      const found = await this.#engine.inspectImage(image, { signal });
      if (found !== "not-found" && matchesPlatform(found, platform)) {
        if (policy === "if-not-present") {
          log.print(`Using locally found image version due to "${policy}" pull policy`);
        }
        return found;
      }
      if (policy === "never" || name === undefined) throw new NoSuchImage(image);
    }
    await this.#pull(name, policy, request, log, signal);
    const pulled = await this.#engine.inspectImage(image, { signal });
    if (pulled === "not-found") throw new NoSuchImage(image);
    return pulled;
  }

  async #pull(
    name: ImageName,
    policy: PullPolicy,
    request: ImageRequest,
    log: JobLog,
    signal: AbortSignal,
  ): Promise<void> {
    const { image, platform, credentials, onPull } = request;
    onPull?.();
    const helper = { env: this.#helperEnv, signal };
    const found = await findRegistryAuth(name, credentials, log, helper);
    if (found !== undefined) log.print(`Authenticating with credentials from ${found.source}`);
    const which = platform === undefined ? image : `${image} for platform ${platform}`;
    log.print(`Pulling docker image ${which} ...`);
    const current = policy === "always";
    await this.#pulls.pull({ image, name, platform, auth: found?.auth, current }, log, { signal });
  }
}

/** The digest under which the image's own repository has it; images made here have none. */
function digestOf(image: ImageDetails, name: ImageName | undefined): string {
  const own = image.repoDigests.find((digest) => {
    const from = parseImageName(digest);
    return from !== undefined && name !== undefined && repositoryOf(from) === repositoryOf(name);
  });
  const digest = own ?? image.repoDigests[0];
  return digest === undefined ? "" : ` with digest ${digest}`;
}
