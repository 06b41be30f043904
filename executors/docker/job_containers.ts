/** The containers of one job: which images, made side by side, started when they are needed. */

import { messageOf, RunnerError } from "../../core/errors.ts";
import type { JobLog, OutputSink } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import type { Activity } from "./activity.ts";
import type { JobContainer } from "./container.ts";
import { addressIn, networkOf } from "./container_basics.ts";
import { ContainerMaker } from "./container_maker.ts";
import type { EngineInfo, ImageDetails, ProcessEnd } from "./engine/mod.ts";
import type { EngineLink } from "./engine_link.ts";
import { ensureImage, type WantedImage } from "./ensure_image.ts";
import { JobImages } from "./images/mod.ts";
import { HELPER_COMMAND } from "./helper/mod.ts";
import type { JobFacts } from "./job_facts.ts";
import { givenHelper, JobHelper, type JobHelperOptions } from "./job_helper.ts";
import {
  giveAway,
  knownUser,
  openToAll,
  takeBack,
  userFrom,
  type UserIds,
  WHO_AM_I,
} from "./job_user.ts";
import { typeLabel } from "./names.ts";
import { TRUST_MOUNTED_AUTHORITY } from "./own_authority.ts";
import { VolumeOpener } from "./open_volumes.ts";
import { planServices } from "./service_plan.ts";
import { JobServices, type ProbePorts } from "./services.ts";

export interface JobContainersOptions {
  readonly link: EngineLink;
  readonly facts: JobFacts;
  readonly log: JobLog;
  readonly output: OutputSink;
  readonly logger: Logger;
  /** Home of the user whose registry credentials count. */
  readonly home: string | undefined;
  /** One container does the work of both where it can. */
  readonly oneContainer: boolean;
  /** The job's image runs what it is made for, and stages get in as its users do. */
  readonly runsOwnProgram: boolean;
  /** Told of what is being done while it prepares. */
  readonly enter: (activity: Activity) => void;
}

/** The program of a job's image. */
export interface ServedProgram {
  /** Empty: it has none of its own, or has ended already. */
  readonly address: string;
  /** Settles when it ends. */
  readonly ended: Promise<ProcessEnd>;
}

export class JobContainers {
  readonly facts: JobFacts;
  readonly #options: JobContainersOptions;
  readonly #images: JobImages;
  readonly #volumes: VolumeOpener;
  readonly #maker: ContainerMaker;
  #build: JobContainer | undefined;
  #helper: JobHelper | undefined;
  #services: JobServices | undefined;
  #user: UserIds | undefined;
  /** What the build container is made of. */
  #made: { readonly image: ImageDetails; readonly info: EngineInfo } | undefined;
  /** A stage has been told to let all users write in the volumes. */
  #hasOpened = false;
  /** The helper has made files since they were given to the job's user. */
  #helperWorked = true;

  constructor(options: JobContainersOptions) {
    this.#options = options;
    this.facts = options.facts;
    const { link: { engine, store }, facts, log, logger, runsOwnProgram } = options;
    this.#images = new JobImages(store);
    this.#volumes = new VolumeOpener({ engine, paths: facts.volumes.open, log });
    const serviceHosts = () => this.#services?.hosts ?? [];
    this.#maker = new ContainerMaker({ engine, facts, logger, runsOwnProgram, serviceHosts });
  }

  /** Nothing has to be given away: the job's processes may do everything anyway. */
  get isRootJob(): boolean {
    return this.#user?.uid === 0;
  }

  /** Makes all containers and starts what can be started: services, the shells that wait. */
  async prepare(signal: AbortSignal): Promise<void> {
    const storage = Promise.all([this.#makeNetwork(signal), this.#makeVolumes(signal)]);
    try {
      await this.#prepareOn(storage, signal);
    } finally {
      // What is being made yet would not be found by who removes it all.
      await storage.catch(() => {});
    }
  }

  /** `storage`: when networks and volumes are there. */
  async #prepareOn(storage: Promise<unknown>, signal: AbortSignal): Promise<void> {
    const { facts } = this;
    const { link, log, oneContainer, runsOwnProgram } = this.#options;
    const info = await link.info({ signal });
    const ensure: JobHelperOptions["ensure"] = (wanted, during) => this.#ensure(wanted, during);
    const given = await givenHelper({ link, facts, info, ensure }, { signal });
    await this.#startServices(storage, signal);
    const build = await ensure({
      image: facts.image,
      purpose: "build",
      platform: facts.platform,
      pullPolicy: facts.spec.image?.pull_policy ?? [],
    }, signal);
    const helper = await JobHelper.open(
      {
        link,
        facts,
        info,
        log,
        ensure,
        make: (image, executables) => this.#maker.helper(image, executables),
      },
      given,
      build,
      { signal },
    );
    this.#helper = helper;
    this.#user = knownUser(facts.user || build.user);
    const entrypoint = this.#entrypoint(build);
    const isOne = oneContainer && helper.isJobImage && entrypoint.length === 0 &&
      this.isRootJob && !runsOwnProgram;
    const executables = isOne ? helper.executables : [];
    this.#made = { image: build, info };
    this.#build = this.#maker.build(build, { info, entrypoint, executables });
    if (isOne) helper.share(this.#build);
    await storage;
    await this.#makeContainers(this.#build, helper, signal);
    await this.#waitForServices(signal);
  }

  /** And starts what the job will need, the first needed first: a failure is told of by who needs it. */
  async #makeContainers(
    build: JobContainer,
    helper: JobHelper,
    signal: AbortSignal,
  ): Promise<void> {
    const { needsHelper } = this.facts;
    const isNeeded = needsHelper === "first" && !this.#options.runsOwnProgram ||
      this.#services !== undefined;
    const made = this.#makeBuild(build, signal);
    const first = isNeeded ? helper.create(signal) : made;
    first.then(() => this.#startEarly(isNeeded, signal), () => {});
    await Promise.all([made, first]);
  }

  async #makeBuild(build: JobContainer, signal: AbortSignal): Promise<void> {
    const id = await build.create(signal);
    const opensByStages = build.isKept && !this.#options.runsOwnProgram;
    if (!opensByStages) await this.#volumes.open(id, { signal });
  }

  async #makeNetwork(signal: AbortSignal): Promise<void> {
    const { network, labels, docker } = this.facts;
    if (network === undefined) return;
    await this.#options.link.engine.createNetwork(network, {
      labels: { ...labels, ...typeLabel("network") },
      ipv6: docker.enable_ipv6,
      ...(docker.network_mtu > 0 ? { mtu: docker.network_mtu } : {}),
      signal,
    });
  }

  /** Not left to the making of containers: podman forgets the labels then. */
  async #makeVolumes(signal: AbortSignal): Promise<void> {
    this.#options.enter("docker_creating_build_volumes");
    const { engine } = this.#options.link;
    await Promise.all(
      this.facts.volumes.mounts.map(({ Source, VolumeOptions }) => {
        const { Labels = {}, DriverConfig } = VolumeOptions ?? {};
        return engine.createVolume(Source, {
          labels: Labels,
          ...(DriverConfig === undefined
            ? {}
            : { driver: DriverConfig.Name, driverOptions: DriverConfig.Options }),
          signal,
        });
      }),
    );
  }

  async #startServices(storage: Promise<unknown>, signal: AbortSignal): Promise<void> {
    const { facts } = this;
    const { log, output, link: { engine }, logger } = this.#options;
    const plans = planServices(facts, (text) => log.warning(text));
    if (plans.length === 0) return;
    this.#options.enter("docker_creating_services");
    await storage;
    const ensure = (wanted: WantedImage) => this.#ensure(wanted, signal);
    const volumes = this.#volumes;
    this.#services = new JobServices({
      engine,
      facts,
      log,
      output,
      logger,
      plans,
      ensure,
      volumes,
    });
    await this.#services.start(signal);
  }

  async #waitForServices(signal: AbortSignal): Promise<void> {
    if (this.#services === undefined) return;
    this.#options.enter("docker_creating_services");
    const check: ProbePorts = async (address, ports, options) => {
      const { told, ...its } = options;
      const helper = await this.helper(signal);
      const answer = await helper.ask([...HELPER_COMMAND, "health-check"], {
        env: ports.flatMap((port) => [
          `WAIT_FOR_SERVICE_${port}_TCP_ADDR=${address}`,
          `WAIT_FOR_SERVICE_${port}_TCP_PORT=${port}`,
        ]),
        told,
        ...its,
      });
      if (answer.code === 0) return;
      if (await this.judgeHelper(signal) === "usable") throw new RunnerError(answer.text);
      await check(address, ports, options);
    };
    await this.#services.wait(check, { signal });
    await this.#helper?.endAll();
  }

  /** The helper, running. */
  async helper(signal: AbortSignal): Promise<JobContainer> {
    return await this.#prepared().running(signal);
  }

  /** Shell code that a stage begins with. */
  before(stage: string, { isHelper }: { isHelper: boolean }): readonly string[] {
    const isRoot = isHelper || this.isRootJob;
    const opening = isRoot && !this.#hasOpened ? openToAll(this.facts) : undefined;
    if (isRoot) this.#hasOpened = true;
    const its = isHelper
      ? [
        TRUST_MOUNTED_AUTHORITY,
        this.#prepared().check(stage),
        this.isRootJob ? takeBack(this.facts) : undefined,
      ]
      : [];
    return [opening, ...its].filter((code) => code !== undefined);
  }

  /** Why a helper has not done its work: see {@link JobHelper.judge}. */
  async judgeHelper(signal: AbortSignal): Promise<"usable" | "replaced"> {
    return await this.#prepared().judge(signal);
  }

  #prepared(): JobHelper {
    if (this.#helper === undefined) throw new RunnerError("The executor was not prepared");
    return this.#helper;
  }

  get build(): JobContainer {
    if (this.#build === undefined) throw new RunnerError("The executor was not prepared");
    return this.#build;
  }

  /** Another one of the job's image and volumes, without the entrypoint that has ended the job's own. */
  async another(signal: AbortSignal): Promise<JobContainer> {
    if (this.#made === undefined) throw new RunnerError("The executor was not prepared");
    const { image, info } = this.#made;
    const its = { info, entrypoint: [], executables: [], suffix: "shell" };
    const container = this.#maker.build(image, its);
    await container.start(signal);
    return container;
  }

  /** Starts the build container, whose own program then runs. */
  async serve(signal: AbortSignal): Promise<ServedProgram> {
    const { engine } = this.#options.link;
    const id = await this.build.create(signal);
    await this.build.start(signal);
    const ended = engine.waitContainer(id, { signal });
    ended.catch(() => {});
    const found = await engine.inspectContainer(id, { signal });
    return { address: addressIn(networkOf(this.facts), found), ended };
  }

  noteHelperWork(stage: string): void {
    this.#helperWorked = true;
    this.#helper?.noteWork(stage);
  }

  /** Makes the job's user the owner of what the helper has made. Build container is running. */
  async handOver(signal: AbortSignal): Promise<void> {
    this.#user ??= userFrom(await this.build.ask(WHO_AM_I, { signal }));
    if (this.#user.uid === 0 || !this.#helperWorked) return;
    const helper = await this.helper(signal);
    const { code, text } = await helper.ask(giveAway(this.facts, this.#user), { signal });
    if (code !== 0) {
      this.#options.log.warning(`Cannot give the checkout to user ${this.#user.uid}: ${text}`);
    }
    this.#helperWorked = false;
  }

  async abandon(): Promise<void> {
    await this.#services?.[Symbol.asyncDispose]();
    await Promise.all([this.#build?.abandon(), this.#helper?.abandon()]);
  }

  /** One after another: two starts at once take as long as both together. */
  async #startEarly(needsHelper: boolean, signal: AbortSignal): Promise<void> {
    try {
      if (needsHelper) await this.helper(signal);
      if (this.build.isKept) await this.build.start(signal);
      if (this.facts.needsHelper === "later") await this.helper(signal);
    } catch (error) {
      this.#options.logger.debug("A container did not start", { error: messageOf(error) });
    }
  }

  async #ensure(wanted: WantedImage, signal: AbortSignal): Promise<ImageDetails> {
    const { link, facts, log, home, enter } = this.#options;
    const engine = await link.info({ signal });
    const onPull = () => enter("docker_pulling_image");
    return await ensureImage(this.#images, wanted, { engine, facts, log, home, onPull, signal });
  }

  /** The job's entrypoint, or the image's; a single empty word takes it away. */
  #entrypoint(build: ImageDetails): readonly string[] {
    const wanted = this.facts.spec.image?.entrypoint ?? [];
    if (wanted.length === 0) return build.entrypoint;
    if (this.facts.docker.disable_entrypoint_overwrite) {
      this.#options.log.warning("Entrypoint override disabled");
      return build.entrypoint;
    }
    return wanted.length === 1 && wanted[0] === "" ? [] : wanted;
  }
}

/** For a helper's stages: git works on what another user may own; it is the job's all the same. */
export const SAFE_DIRECTORY: readonly string[] = [
  "GIT_CONFIG_COUNT=1",
  "GIT_CONFIG_KEY_0=safe.directory",
  "GIT_CONFIG_VALUE_0=*",
];
