/** What works beside a job's script: an image with git, and a container of it. */

import { messageOf, SystemFailure } from "../../core/errors.ts";
import type { JobLog } from "../../core/executor.ts";
import type { JobContainer } from "./container.ts";
import type { EngineInfo, ImageDetails } from "./engine/mod.ts";
import type { EngineLink } from "./engine_link.ts";
import type { WantedImage } from "./ensure_image.ts";
import {
  gitlabHelperImage,
  hasThisProgram,
  HELPER_CHECK,
  HELPER_PROBE,
  type HelperMount,
  ownHelperImage,
  probeFailure,
  SOURCES_CHECK,
} from "./helper/mod.ts";
import { helperImageName, type JobFacts } from "./job_facts.ts";
import type { Mount } from "./volumes.ts";

export interface HelperImage {
  readonly name: string;
  readonly image: ImageDetails;
  /** The job's own, which may lack git, or one that is there for this. */
  readonly origin: "job" | "helper";
}

export interface JobHelperOptions {
  readonly link: EngineLink;
  readonly facts: JobFacts;
  readonly info: EngineInfo;
  readonly log: JobLog;
  /** Brings an image to the engine. */
  readonly ensure: (wanted: WantedImage, signal: AbortSignal) => Promise<ImageDetails>;
  /** A container of an image, for the helper's work alone. */
  readonly make: (image: ImageDetails, executables: readonly Mount[]) => JobContainer;
}

/** The configured image, or ours where the engine has it; undefined: the job's own has to do. */
export async function givenHelper(
  { link, facts, info, ensure }: Pick<JobHelperOptions, "link" | "facts" | "info" | "ensure">,
  { signal }: { signal: AbortSignal },
): Promise<HelperImage | undefined> {
  const configured = helperImageName(facts);
  if (configured !== "") {
    const image = await ensure(wantedHelper(configured), signal);
    return { name: configured, image, origin: "helper" };
  }
  const name = ownHelperImage(tagOf(facts, info));
  const image = await link.engine.inspectImage(name, { signal });
  return image === "not-found" ? undefined : { name, image, origin: "helper" };
}

export class JobHelper {
  readonly #options: JobHelperOptions;
  #used: HelperImage;
  /** This executable, for an image that does not have it. */
  #brought: HelperMount | undefined;
  #container: JobContainer | undefined;
  #isShared = false;
  /** When the container has this executable. */
  #filled: Promise<void> | undefined;

  private constructor(options: JobHelperOptions, used: HelperImage) {
    this.#options = options;
    this.#used = used;
  }

  /** `given`: see {@link givenHelper}; `build`: the job's own image. */
  static async open(
    options: JobHelperOptions,
    given: HelperImage | undefined,
    build: ImageDetails,
    { signal }: { signal: AbortSignal },
  ): Promise<JobHelper> {
    const { link, facts } = options;
    const own = { name: facts.image, image: build, origin: "job" } as const;
    const helper = new JobHelper(options, given ?? own);
    if (given === undefined && link.helpless.has(build.id)) await helper.#takeGitlabImage(signal);
    await helper.#bring(signal);
    return helper;
  }

  /** The job's own image has to do. */
  get isJobImage(): boolean {
    return this.#used.origin === "job";
  }

  /** For the container that works with it. */
  get executables(): readonly Mount[] {
    return this.#brought === undefined ? [] : [this.#brought.mount];
  }

  /** Has the job's own container do this work as well. */
  share(container: JobContainer): void {
    this.#container = container;
    this.#isShared = true;
  }

  /** Makes the container, unless that was done; it has this executable then. */
  async create(signal: AbortSignal): Promise<JobContainer> {
    this.#container ??= this.#options.make(this.#used.image, this.executables);
    const container = this.#container;
    await container.create(signal);
    await this.#fill(container, signal);
    return container;
  }

  /** The container, running. */
  async running(signal: AbortSignal): Promise<JobContainer> {
    const container = await this.create(signal);
    await container.start(signal);
    return container;
  }

  async #fill(container: JobContainer, signal: AbortSignal): Promise<void> {
    const { executable, engine } = this.#options.link;
    const { image } = this.#used;
    const brought = this.#brought;
    if (brought === undefined) return;
    this.#filled ??= container.create(signal)
      .then((id) => executable.fill(engine, brought, { container: id, image: image.id, signal }));
    try {
      await this.#filled;
    } catch (error) {
      this.#filled = undefined;
      throw error;
    }
  }

  /** What a stage begins with, as long as nobody knows whether the image is usable. */
  check(stage: string): string | undefined {
    if (this.#isUsable) return undefined;
    return stage === "get_sources" ? SOURCES_CHECK : HELPER_CHECK;
  }

  /**
   * Finds out why nothing was done. When the job's own image cannot do this work, GitLab's takes its
   * place: `replaced`, and it is to be tried again. Throws SystemFailure that says what is missing.
   */
  async judge(signal: AbortSignal): Promise<"usable" | "replaced"> {
    if (this.#isUsable) return "usable";
    const container = await this.running(signal);
    const answer = await container.ask(HELPER_PROBE, { signal });
    const { name, image } = this.#used;
    const failure = probeFailure(answer, { image: name, isJobImage: this.isJobImage });
    if (failure === undefined) return "usable";
    if (!this.isJobImage) throw failure;
    try {
      await this.#takeGitlabImage(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new SystemFailure(
        `${failure.message}. GitLab's is not to be had: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    this.#options.link.helpless.add(image.id);
    await this.#replaceContainer(container, signal);
    return "replaced";
  }

  /** A stage has come to its end. */
  noteWork(stage: string): void {
    // Sources need git alone.
    if (stage !== "get_sources") this.#options.link.usableHelpers.add(this.#used.image.id);
  }

  async endAll(): Promise<void> {
    await this.#container?.endAll();
  }

  async abandon(): Promise<void> {
    await this.#container?.abandon();
  }

  get #isUsable(): boolean {
    return this.#options.link.usableHelpers.has(this.#used.image.id);
  }

  async #takeGitlabImage(signal: AbortSignal): Promise<void> {
    const { facts, info, log, ensure } = this.#options;
    const name = gitlabHelperImage(tagOf(facts, info));
    log.print(`Using helper image: ${name} (the job's own does not have all that is needed)`);
    this.#used = { name, image: await ensure(wantedHelper(name), signal), origin: "helper" };
  }

  async #bring(signal: AbortSignal): Promise<void> {
    const { link, info } = this.#options;
    if (this.#brought !== undefined || hasThisProgram(this.#used.image)) return;
    this.#brought = await link.executable.mount(link.engine, info, { signal });
  }

  async #replaceContainer(old: JobContainer, signal: AbortSignal): Promise<void> {
    const { engine } = this.#options.link;
    if (!this.#isShared) {
      const id = await old.create(signal);
      await old.abandon();
      await engine.removeContainer(id, { signal });
    }
    this.#isShared = false;
    this.#container = undefined;
    await this.#bring(signal);
    await this.create(signal);
  }
}

function wantedHelper(image: string): WantedImage {
  return { image, purpose: "helper", platform: "", pullPolicy: [] };
}

function tagOf({ docker }: JobFacts, { architecture }: EngineInfo) {
  return { architecture, flavor: docker.helper_image_flavor };
}
