/** Runs one job's stages on another machine. */

import { messageOf, RunnerError, SystemFailure } from "../../core/errors.ts";
import type {
  Checkout,
  Executor,
  ExecutorIO,
  ExitStatus,
  PreparedEnvironment,
  StageCommand,
} from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import { type JobSpec, movesFiles } from "../../core/job/spec.ts";
import type { Logger } from "../../core/log/logger.ts";
import type { SshHost, SshHosts, SshStarter, SshTarget } from "../../core/ssh/mod.ts";
import type { CheckoutClaims } from "../../core/util/checkout_claims.ts";
import { Doubt } from "../../core/util/doubt.ts";
import { cannotRun, ExecutorWork } from "../../core/util/executor_work.ts";
import { graceFor } from "../../core/util/grace.ts";
import { probe, type TargetFacts } from "./probe.ts";
import type { RemoteHelpers } from "./remote_helper.ts";
import { runStage } from "./stage.ts";
import { sweep } from "./sweep.ts";

export interface SshExecutorOptions {
  /** The target with the variables of this job in it. Throws SystemFailure. */
  readonly target: (spec: JobSpec) => SshTarget;
  readonly shell: string;
  /** As in config.toml; empty means below the user's home on the target. */
  readonly buildsDir: string;
  readonly cacheDir: string;
  /** The connections that it shares with other jobs. */
  readonly hosts: SshHosts;
  readonly helpers: RemoteHelpers;
  /** Of all targets, shared with other jobs. */
  readonly claims: CheckoutClaims;
  readonly logger: Logger;
  /** The machine is there for this job alone and goes with it: nothing on it has to be ended. */
  readonly isDisposable: boolean;
}

/** How long processes may take to end after SIGTERM. */
const GRACE_MS = 30_000;

export class SshExecutor implements Executor {
  readonly #options: SshExecutorOptions;
  readonly #mark = crypto.randomUUID();
  readonly #work = new ExecutorWork();
  readonly #checkout = new DisposableStack();
  #target: SshTarget | undefined;
  #host: SshHost | undefined;
  #stages = 0;
  /** Processes of this job may be on the target, and no connection of ours holds them. */
  readonly #lost: Doubt;

  constructor(options: SshExecutorOptions) {
    this.#options = options;
    this.#lost = new Doubt((signal) => this.#endLost(signal));
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    options.signal.throwIfAborted();
    const { shell, buildsDir, cacheDir, logger, isDisposable } = this.#options;
    if (!isDisposable) io.log.print("Using SSH executor...");
    const target = this.#options.target(spec);
    this.#target = target;
    const { port, user } = target;
    const { identityFile } = target.credentials;
    if (!isDisposable) {
      io.remember({ mark: this.#mark, host: target.host, port, user, identity_file: identityFile });
    }
    logger.debug("Starting SSH command...", { host: `${target.host}:${port}` });
    const host = this.#options.hosts.at(target);
    this.#host = host;
    const facts = await probe(host, options);
    const isAbsolute = (directory: string) => directory.startsWith("/");
    if (!facts.isHomeWritable && !(isAbsolute(buildsDir) && isAbsolute(cacheDir))) {
      io.log.warning(
        `"${user}" has no home directory on the target, or may not write there: builds and caches ` +
          "need another place, as builds_dir and cache_dir in [[runners]]",
      );
    }
    const at = (directory: string) =>
      isAbsolute(directory) ? directory : `${facts.home}/${directory}`;
    return {
      os: facts.os,
      hostname: undefined,
      buildsDir: at(buildsDir || "builds"),
      cacheDir: at(cacheDir || "cache"),
      sharedBuildsDir: !isDisposable,
      projectSlot: spec.slot.project,
      shell,
      login: true,
      exitPhrase: "Process exited with status",
      helperCommand: await this.#helper(host, { spec, facts, io }, options),
      variables: {},
    };
  }

  /** Jobs of other managers are not seen. */
  async leaseCheckout(
    { path }: Checkout,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<void> {
    if (this.#options.isDisposable || this.#target === undefined) return;
    const { host, port } = this.#target;
    const onWait = () => io.log.notice(`Waiting for another job to leave "${path}"...`);
    const place = `/${host}:${port}${path}`;
    this.#checkout.use(await this.#options.claims.claim(place, { onWait, ...options }));
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    const run = (signal: AbortSignal) => this.#run(command, io, signal);
    return await this.#work.do(options.signal, run, cannotRun(command.stage));
  }

  async finish(_result: JobResult): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#work.dispose();
    await this.#work.settled;
    try {
      const target = this.#target;
      this.#target = undefined;
      if (this.#options.isDisposable || !this.#lost.isRaised || target === undefined) return;
      await sweep(target, { mark: this.#mark });
    } finally {
      this.#checkout.dispose();
    }
  }

  async #run(command: StageCommand, io: ExecutorIO, signal: AbortSignal): Promise<ExitStatus> {
    signal.throwIfAborted();
    if (command.invocation.script.kind === "file") {
      throw new RunnerError("SSH doesn't support shells that require script file");
    }
    if (this.#host === undefined) throw new RunnerError("The executor was not prepared");
    await this.#lost.settle(signal);
    return await runStage(this.#host, {
      command,
      mark: `${this.#mark}.${++this.#stages}.`,
      output: io.output,
      graceMs: (reason) => graceFor(reason, GRACE_MS),
    }, { signal, onLost: () => this.#lost.raise() });
  }

  /** Without patience: each stage that is still to come would have to have it. */
  async #endLost(signal: AbortSignal): Promise<void> {
    if (this.#target === undefined) return;
    await sweep({ ...this.#target, tries: 1 }, { mark: this.#mark }, { signal });
  }

  /** Only jobs that move files need one; without it, they say so and go on. */
  async #helper(
    host: SshStarter,
    job: { readonly spec: JobSpec; readonly facts: TargetFacts; readonly io: ExecutorIO },
    options: { signal: AbortSignal },
  ): Promise<readonly string[] | undefined> {
    const { spec, facts, io } = job;
    if (facts.helper !== "") return [facts.helper];
    if (!movesFiles(spec)) return undefined;
    try {
      const path = await this.#options.helpers.install(host, facts, options);
      return path === undefined ? undefined : [path];
    } catch (error) {
      options.signal.throwIfAborted();
      // The connection broke, and with it the preparation.
      if (error instanceof SystemFailure) throw error;
      io.log.warning(
        `${messageOf(error)}. Caches and artifacts need gitlab-runner in PATH on the target, or ` +
          "room for a copy of this program",
      );
      return undefined;
    }
  }
}
