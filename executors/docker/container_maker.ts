/** The containers of one job as the engine is to make them. */

import type { Logger } from "../../core/log/logger.ts";
import { buildProgram } from "./build_program.ts";
import { JobContainer } from "./container.ts";
import { networkOf, sharedBasics } from "./container_basics.ts";
import { buildEnvironment } from "./container_environment.ts";
import { buildContainerSpec, helperContainerSpec } from "./container_spec.ts";
import type { Engine, EngineInfo, ImageDetails } from "./engine/mod.ts";
import { staysPrivileged } from "./images/mod.ts";
import type { JobFacts } from "./job_facts.ts";
import { typeLabel } from "./names.ts";
import { KEEPER } from "./scripts.ts";
import type { Mount } from "./volumes.ts";

export interface ContainerMakerOptions {
  readonly engine: Engine;
  readonly facts: JobFacts;
  readonly logger: Logger;
  /** The job's image runs what it is made for, and stages get in as its users do. */
  readonly runsOwnProgram: boolean;
  /** Lines for `/etc/hosts`: those of the job's services, which are there by now. */
  readonly serviceHosts: () => readonly string[];
}

export class ContainerMaker {
  readonly #options: ContainerMakerOptions;

  constructor(options: ContainerMakerOptions) {
    this.#options = options;
  }

  build(
    image: ImageDetails,
    options: {
      readonly info: EngineInfo;
      readonly entrypoint: readonly string[];
      /** For the helper's work, where the container does that, too. */
      readonly executables: readonly Mount[];
      readonly suffix?: string;
    },
  ): JobContainer {
    const { facts, runsOwnProgram } = this.#options;
    const { info, entrypoint, executables, suffix = "build" } = options;
    const program = buildProgram(image, { entrypoint, runsOwnProgram });
    return this.#container(
      suffix,
      program.mode,
      buildContainerSpec({
        ...this.#basics(),
        ...program,
        image: image.id,
        labels: { ...facts.labels, ...typeLabel("build") },
        env: program.isForeign ? buildEnvironment(facts.variables) : [],
        mounts: [...facts.volumes.mounts, ...executables],
        aliases: ["build"],
        user: facts.user,
        privileged: facts.docker.privileged &&
          staysPrivileged(facts.image, facts.docker.allowed_privileged_images),
        scriptOnInput: program.mode === "script",
        apiVersion: info.apiVersion,
      }),
    );
  }

  helper(image: ImageDetails, executables: readonly Mount[]): JobContainer {
    const { facts } = this.#options;
    const empty = (mount: Mount): Mount => ({
      ...mount,
      VolumeOptions: { ...mount.VolumeOptions, NoCopy: true },
    });
    return this.#container(
      "predefined",
      "kept",
      helperContainerSpec({
        ...this.#basics(),
        image: image.id,
        labels: { ...facts.labels, ...typeLabel("predefined") },
        env: [],
        mounts: [...facts.volumes.mounts.map(empty), ...executables],
        aliases: [],
        entrypoint: KEEPER,
      }),
    );
  }

  #basics() {
    const { facts, serviceHosts } = this.#options;
    const { docker } = facts;
    // In another container's network it has that one's name, and engines refuse to be told another.
    const own = networkOf(facts).startsWith("container:") ? "" : facts.hostname;
    return {
      ...sharedBasics(facts, docker.security_opt),
      extraHosts: [...docker.extra_hosts, ...serviceHosts()],
      hostname: docker.hostname || own,
    };
  }

  #container(suffix: string, mode: "kept" | "script", spec: Readonly<Record<string, unknown>>) {
    const { engine, facts, logger } = this.#options;
    return new JobContainer({
      engine,
      logger,
      name: `${facts.name}-${suffix}`,
      spec,
      platform: suffix === "predefined" ? "" : facts.platform,
      mode,
      sharesProcesses: suffix === "build" && facts.docker.pid_mode !== "",
    });
  }
}
