/** The executor `docker`: jobs run in containers of a Docker Engine. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { RunnerConfig } from "../../core/config/schema.ts";
import { ConfigurationError, messageOf } from "../../core/errors.ts";
import type {
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
} from "../../core/executor.ts";
import { deadline, DeadlineExceeded } from "../../core/util/abort.ts";
import { inheritedEnvironment } from "../../core/util/inherited_environment.ts";
import { assertAnswers } from "./answers.ts";
import type { Engine } from "./engine/mod.ts";
import { type EngineLink, EngineLinks } from "./engine_link.ts";
import { DockerExecutor } from "./executor.ts";
import { HELPER_COMMAND } from "./helper/mod.ts";
import { jobFacts } from "./job_facts.ts";
import { Ownership } from "./ownership.ts";
import { Reaper, removeJob } from "./reaper.ts";
import { connectEngine } from "./engine/mod.ts";

export interface DockerProviderOptions {
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Home of the user whose registry credentials count. */
  readonly home?: string | undefined;
  /** What is put into helper containers; this process's own program when left out. */
  readonly executable?: string;
  /**
   * Sources, cache and artifacts are handled in the job's own container where its image can do that.
   * It starts in half the time. For jobs that may reach what the helper does: a user's own.
   */
  readonly oneContainer?: boolean;
}

const REAP_PAUSE_MS = 60_000;

/** One call, to an engine that has just answered. */
const LOCATE_MS = 5000;

/** What an earlier process left must not hold up the first job for longer. */
const REAP_MS = 30_000;

export class DockerExecutorProvider implements ExecutorProvider {
  readonly name = "docker";
  readonly #options: DockerProviderOptions;
  readonly #reapers = new Map<Engine, Reaper>();
  /** Engines that did not answer when they were last asked. */
  readonly #silent = new Set<EngineLink>();
  /** From the first call on. */
  #links: EngineLinks | undefined;

  constructor(options: DockerProviderOptions) {
    this.#options = options;
  }

  info(config: RunnerConfig): ExecutorInfo {
    return {
      features: {
        variables: true,
        image: true,
        services: true,
        shared: false,
        session: false,
        terminal: true,
      },
      defaultShell: config.shell || "bash",
    };
  }

  async acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal; runsOwnProgram?: boolean },
  ): Promise<DockerExecutor | undefined> {
    const { docker } = config;
    if (docker === undefined) {
      throw new ConfigurationError(
        `Runner "${config.name}" has the executor "${config.executor}" but no [runners.docker] section`,
      );
    }
    const { host } = options;
    const link = this.#linksFor(host).get(docker);
    if (!await this.#answers(link, options)) return undefined;
    return new DockerExecutor({
      logger: host.logger,
      home: this.#options.home,
      link,
      oneContainer: this.#options.oneContainer ?? false,
      runsOwnProgram: options.runsOwnProgram ?? false,
      endpoint: {
        host: docker.host,
        tls_cert_path: docker.tls_cert_path,
        tls_verify: String(docker.tls_verify),
      },
      facts: (spec) => {
        const { manager } = link.ownership;
        return jobFacts(spec, { runner: config, docker, manager, helperCommand: HELPER_COMMAND });
      },
    });
  }

  async reap(
    note: ExecutorNote,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<void> {
    const { key, host, tls_cert_path, tls_verify } = note;
    if (typeof key !== "string" || !/^[0-9a-f]{16}$/.test(key)) return;
    const { engine, ownership } = this.#linksFor(options.host).get({
      host: String(host ?? ""),
      tls_cert_path: String(tls_cert_path ?? ""),
      tls_verify: tls_verify === "true",
    });
    using limit = deadline(
      REAP_MS,
      () => new DeadlineExceeded("removing the containers of an earlier job", REAP_MS),
      options.signal,
    );
    try {
      await removeJob(engine, key, { signal: limit.signal });
    } catch (error) {
      options.signal.throwIfAborted();
      // The job is over all the same and can be reported; the reaper tries again.
      ownership.noteOver(key);
      options.host.logger.warning("Cannot remove the containers of an earlier job yet", {
        error: messageOf(error),
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reapers = [...this.#reapers.values()];
    await Promise.all([
      this.#links?.endFilling(),
      ...reapers.map((reaper) => reaper[Symbol.asyncDispose]()),
    ]);
    await this.#links?.[Symbol.asyncDispose]();
  }

  /** No job is taken that has no engine to run in. The runner's log tells when that changes. */
  async #answers(
    link: EngineLink,
    { host, signal }: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<boolean> {
    try {
      await assertAnswers(link.engine, { signal });
      const limit = AbortSignal.any([signal, AbortSignal.timeout(LOCATE_MS)]);
      await link.ownership.locate(link.engine, { signal: limit });
    } catch (error) {
      signal.throwIfAborted();
      if (!this.#silent.has(link)) {
        host.logger.error("No jobs are taken, because the Docker Engine does not answer", {
          error: messageOf(error),
        });
      }
      this.#silent.add(link);
      return false;
    }
    if (this.#silent.delete(link)) {
      host.logger.info("The Docker Engine answers again");
      this.#reapers.get(link.engine)?.hurry();
    }
    return true;
  }

  /** All calls of one process come with the same host. */
  #linksFor(host: ExecutorHost): EngineLinks {
    return this.#links ??= this.#makeLinks(host);
  }

  #makeLinks({ logger, systemId, stateDir }: ExecutorHost): EngineLinks {
    const manager = {
      systemId,
      instance: randomBytes(8).toString("hex"),
      stateDir,
      hostname: hostname(),
    };
    const living = new Set<string>();
    const { env, executable = process.execPath } = this.#options;
    return new EngineLinks({
      connect: ({ host, tls_cert_path, tls_verify }) =>
        connectEngine({ host, tlsCertPath: tls_cert_path, tlsVerify: tls_verify, env }),
      executable,
      helperEnv: inheritedEnvironment(env),
      ownership: () => new Ownership(manager, living),
      onConnect: ({ engine, ownership }) =>
        this.#reapers.set(
          engine,
          new Reaper({ engine, ownership, logger, pauseMs: REAP_PAUSE_MS }),
        ),
    });
  }
}
