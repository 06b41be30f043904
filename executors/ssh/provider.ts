/** The executor `ssh`: jobs run on another machine, in the home of the user who logs in there. */

import type { RunnerConfig } from "../../core/config/schema.ts";
import { messageOf } from "../../core/errors.ts";
import type {
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
  ReapOptions,
} from "../../core/executor.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import { JobVariables } from "../../core/job/variables.ts";
import { configEnvironment } from "../../core/run/job_variables.ts";
import { SshHosts, type SshTarget, STARTING_TRIES } from "../../core/ssh/mod.ts";
import { CheckoutClaims } from "../../core/util/checkout_claims.ts";
import { SshExecutor } from "./executor.ts";
import { RemoteHelpers } from "./remote_helper.ts";
import { sshConfig, sshTarget } from "./server.ts";
import { sweep } from "./sweep.ts";

export interface SshProviderOptions {
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Home of the user whose `known_hosts` counts. */
  readonly home: string | undefined;
  /** This program's file, for targets that have none; undefined: nothing is copied. */
  readonly executable: string | undefined;
}

export class SshExecutorProvider implements ExecutorProvider {
  readonly name = "ssh";
  readonly #options: SshProviderOptions;
  readonly #helpers: RemoteHelpers;
  readonly #hosts = new SshHosts();
  readonly #claims = new CheckoutClaims();

  constructor(options: SshProviderOptions) {
    this.#options = options;
    this.#helpers = new RemoteHelpers(options.executable);
  }

  info(config: RunnerConfig): ExecutorInfo {
    return {
      features: {
        variables: true,
        image: false,
        services: false,
        shared: true,
        session: false,
        terminal: false,
      },
      defaultShell: config.shell || "bash",
    };
  }

  async acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<SshExecutor> {
    const ssh = sshConfig(config);
    const target = (spec: JobSpec) => sshTarget(ssh, expander(config, spec), this.#options);
    return this.#executor(config, { ...options, target, isDisposable: false });
  }

  /**
   * For one job on a machine that was started for it: `address` says where, `[runners.ssh]` how to
   * log in. Who has started the machine knows that it is the right one.
   */
  openOn(
    config: RunnerConfig,
    options: { host: ExecutorHost; address: () => string },
  ): SshExecutor {
    const ssh = sshConfig(config);
    const target = (spec: JobSpec): SshTarget => ({
      ...sshTarget(ssh, expander(config, spec), this.#options),
      host: options.address(),
      trust: { kind: "any" },
      tries: STARTING_TRIES,
    });
    return this.#executor(config, { ...options, target, isDisposable: true });
  }

  #executor(
    config: RunnerConfig,
    options: {
      readonly host: ExecutorHost;
      readonly target: (spec: JobSpec) => SshTarget;
      readonly isDisposable: boolean;
    },
  ): SshExecutor {
    return new SshExecutor({
      target: options.target,
      isDisposable: options.isDisposable,
      shell: config.shell || "bash",
      buildsDir: config.builds_dir,
      cacheDir: config.cache_dir,
      hosts: this.#hosts,
      helpers: this.#helpers,
      claims: this.#claims,
      logger: options.host.logger,
    });
  }

  /**
   * Where the job was is noted; how to log in there is still in its runner's entry. The death of the
   * manager has ended the job's processes there already, unless the server has not seen it.
   */
  async reap(note: ExecutorNote, { host: { logger }, config, signal }: ReapOptions): Promise<void> {
    const { mark, host, port, user, identity_file, temp_dir: tempDir } = note;
    if (typeof mark !== "string" || !/^[0-9a-f-]{36}$/.test(mark)) return;
    if (config?.ssh === undefined) return;
    const noted = Object.entries({ host, port, user, identity_file });
    const texts = Object.fromEntries(noted.map(([key, value]) => [key, String(value ?? "")]));
    const target = sshTarget({ ...config.ssh, ...texts }, (text) => text, this.#options);
    const left = { mark, tempDir: typeof tempDir === "string" ? tempDir : undefined };
    try {
      await sweep(target, left, { signal });
    } catch (error) {
      signal.throwIfAborted();
      // The job has to be answered for, also when its machine is gone for good.
      logger.warning("Cannot look after a crashed job on its target", {
        host: target.host,
        error: messageOf(error),
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hosts[Symbol.asyncDispose]();
  }
}

function expander(config: RunnerConfig, spec: JobSpec): (text: string) => string {
  const variables = new JobVariables([...configEnvironment(config), ...spec.variables], "");
  return (text) => variables.expand(text);
}
