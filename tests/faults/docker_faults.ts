/** Jobs of the compiled executable on an engine that tests kill, fill and take apart. */

import { expect } from "bun:test";
import type { EmbeddedJob, JobDescriptionInput } from "../../core/embedded/mod.ts";
import { DockerLab, type DockerLabOptions } from "../e2e/docker_lab.ts";
import { eventually, expectSuccess } from "../e2e/lab.ts";
import { type OwnEngine, startEngine } from "../executors/docker/dockerd.ts";

/** For all that is waited for here. Milliseconds. */
export const LIMIT = 90_000;

export const SYSTEM_FAILURE = "runner_system_failure";

const NOTHING = { containers: [], volumes: [], networks: [] };

/** Nothing is kept from one job to the next, so that all that is left has leaked. */
export const KEEPS_NOTHING: readonly string[] = ["disable_cache = true"];

export const LONG_JOB: JobDescriptionInput = {
  script: ["echo begun", "sleep 600"],
  variables: { GIT_STRATEGY: "none", FF_NETWORK_PER_BUILD: "true" },
};

export class Faults implements AsyncDisposable {
  readonly docker: DockerLab;
  readonly engine: OwnEngine;

  static async open(
    options: { diskMegabytes?: number; lab?: DockerLabOptions } = {},
  ): Promise<Faults> {
    const { lab, ...rest } = options;
    const engine = await startEngine(rest);
    try {
      const docker = await DockerLab.open({ docker: KEEPS_NOTHING, ...lab, engine });
      docker.lab.start();
      return new Faults(docker, engine);
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(docker: DockerLab, engine: OwnEngine) {
    this.docker = docker;
    this.engine = engine;
  }

  /** A job whose script runs. */
  async begun(more: JobDescriptionInput = LONG_JOB): Promise<EmbeddedJob> {
    const job = this.docker.lab.enqueue(more);
    await this.docker.lab.printed(job, "\nbegun\n");
    return job;
  }

  /** The container of a kind that the job has now. */
  async container(suffix: string): Promise<string> {
    const { containers } = await this.docker.objects();
    const found = containers.find((name) => name.endsWith(suffix));
    if (found === undefined) throw new Error(`there is no container ${suffix}`);
    return found;
  }

  /** Runs the engine's own command line; what it prints. */
  command(...args: readonly string[]): string {
    const env = { ...process.env, DOCKER_HOST: this.engine.host };
    const { success, stdout, stderr } = Bun.spawnSync(["docker", ...args], { env });
    if (!success) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
    return stdout.toString().trim();
  }

  /** Containers that bring the executable into helper volumes. */
  fillers(): string {
    return this.command("ps", "--all", "--quiet", "--filter", "name=-fill");
  }

  async expectJobsFlow(): Promise<void> {
    const variables = { GIT_STRATEGY: "none" };
    expectSuccess(await this.docker.lab.run({ script: "echo jobs flow", variables }));
  }

  /** Within seconds nothing of any job is left in the engine. */
  async expectNothingLeft(): Promise<void> {
    const isEmpty = async () => Object.values(await this.docker.objects()).flat().length === 0;
    await eventually(isEmpty, "an engine without leftovers", 15_000).catch(() => {});
    expect(await this.docker.objects()).toEqual(NOTHING);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.docker[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
  }
}
