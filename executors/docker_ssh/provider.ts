/** The executor `docker-ssh`: jobs log in to the SSH server that their image runs. */

import type { RunnerConfig } from "../../core/config/schema.ts";
import type {
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
  ReapOptions,
} from "../../core/executor.ts";
import type { DockerExecutorProvider } from "../docker/mod.ts";
import type { SshExecutorProvider } from "../ssh/mod.ts";
import { DockerSshExecutor } from "./executor.ts";

/** Others own these and dispose of them: an engine's containers have one owner in a process. */
export interface DockerSshParts {
  readonly docker: DockerExecutorProvider;
  readonly ssh: SshExecutorProvider;
}

export class DockerSshExecutorProvider implements ExecutorProvider {
  readonly name = "docker-ssh";
  readonly #parts: DockerSshParts;

  constructor(parts: DockerSshParts) {
    this.#parts = parts;
  }

  info(config: RunnerConfig): ExecutorInfo {
    const { features, ...info } = this.#parts.docker.info(config);
    return { ...info, features: { ...features, terminal: false } };
  }

  async acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<DockerSshExecutor | undefined> {
    const { docker, ssh } = this.#parts;
    const openOn = (address: () => string) => ssh.openOn(config, { ...options, address });
    const container = await docker.acquire(config, { ...options, runsOwnProgram: true });
    return container === undefined ? undefined : new DockerSshExecutor(container, openOn);
  }

  /** With its container, everything of a job is gone. */
  async reap(note: ExecutorNote, options: ReapOptions): Promise<void> {
    await this.#parts.docker.reap(note, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
