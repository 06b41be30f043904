/** Runs one job's stages in two containers: the job's image, and the helper with git beside it. */

import { messageOf, RunnerError, SystemFailure } from "../../core/errors.ts";
import type {
  Executor,
  ExecutorIO,
  ExitStatus,
  KeptEnvironment,
  OutputSink,
  PreparedEnvironment,
  StageCommand,
  Terminal,
  TerminalOptions,
} from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import type { Logger } from "../../core/log/logger.ts";
import { delay } from "../../core/util/abort.ts";
import { Doubt } from "../../core/util/doubt.ts";
import { cannotRun, ExecutorWork } from "../../core/util/executor_work.ts";
import { graceFor } from "../../core/util/grace.ts";
import type { Activity } from "./activity.ts";
import { assertAnswers } from "./answers.ts";
import type { JobContainer } from "./container.ts";
import { ContainerGone } from "./container_gone.ts";
import type { ProcessEnd } from "./engine/mod.ts";
import { HELPER_UNUSABLE } from "./helper/mod.ts";
import { JobContainers, SAFE_DIRECTORY, type ServedProgram } from "./job_containers.ts";
import type { EngineLink } from "./engine_link.ts";
import type { JobFacts } from "./job_facts.ts";
import { keptEnvironment } from "./kept_environment.ts";
import { removeJob } from "./reaper.ts";
import { stageCommand } from "./scripts.ts";
import { runMarked } from "./start_mark.ts";

export interface DockerExecutorOptions {
  readonly logger: Logger;
  /** Home of the user whose registry credentials count. */
  readonly home: string | undefined;
  /** The engine of this runner entry. */
  readonly link: EngineLink;
  /** Where the engine is, for a later process. */
  readonly endpoint: Readonly<Record<string, string | number>>;
  /** One container does the work of both where it can. */
  readonly oneContainer: boolean;
  /** Throws JobConfigurationError. */
  readonly facts: (spec: JobSpec) => JobFacts;
  /** The job's image runs what it is made for; `run` is not to be called then, but `serve`. */
  readonly runsOwnProgram: boolean;
}

/** As GitLab Runner: how long processes may take to end after SIGTERM. */
const GRACE_MS = 10_000;

/** Longest time that removing a job's things may take, with all tries. */
const DISPOSE_MS = 60_000;

const DISPOSE_TRIES = 3;

export class DockerExecutor implements Executor {
  readonly #options: DockerExecutorOptions;
  readonly #work = new ExecutorWork();
  /** A stage could not be run, and the engine may be why. */
  readonly #fault: Doubt;
  #containers: JobContainers | undefined;
  #isKept = false;
  #activity: Activity = "docker_prepare";
  /** Of all tries to prepare this job. */
  readonly #keys = new Set<string>();

  constructor(options: DockerExecutorOptions) {
    this.#options = options;
    this.#fault = new Doubt((signal) => assertAnswers(options.link.engine, { signal }));
  }

  get activity(): Activity {
    return this.#activity;
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    const { signal } = options;
    signal.throwIfAborted();
    this.#activity = "docker_prepare";
    await this.#removeAll();
    const facts = this.#options.facts(spec);
    if (facts.isDefaultImage) io.log.notice("Using default image");
    io.log.print(`Using Docker executor with image ${facts.image} ...`);
    if (facts.docker.volume_keep) {
      io.log.warning(
        "volume_keep is enabled: Docker volumes will not be removed after job completion and may " +
          "accumulate on disk",
      );
    }
    const { link, endpoint, logger, home, oneContainer } = this.#options;
    this.#keys.add(facts.key);
    link.ownership.claim(facts.key);
    io.remember({ ...endpoint, key: facts.key });
    this.#containers = new JobContainers({
      link,
      facts,
      log: io.log,
      output: io.output,
      logger,
      home,
      oneContainer,
      runsOwnProgram: this.#options.runsOwnProgram,
      enter: (activity) => this.#activity = activity,
    });
    await this.#containers.prepare(signal);
    return facts.environment;
  }

  /** Starts the program of the job's image. */
  async serve(options: { signal: AbortSignal }): Promise<ServedProgram> {
    if (this.#containers === undefined) throw new RunnerError("The executor was not prepared");
    return await this.#containers.serve(options.signal);
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    const run = async (signal: AbortSignal) => {
      await this.#fault.settle(signal);
      try {
        return await this.#runAgain(command, io, signal);
      } catch (error) {
        this.#fault.raise();
        throw error;
      }
    };
    return await this.#work.do(options.signal, run, cannotRun(command.stage));
  }

  async openTerminal(command: StageCommand, options: TerminalOptions): Promise<Terminal> {
    const { build, facts } = this.#prepared();
    const container = build.isKept ? build : await this.#another(options);
    const path = `${facts.paths.tempDir}/shell`;
    return await container.openTerminal(command.script, { path, ...options });
  }

  /** What an entrypoint has run is over, and its container with it. */
  async #another({ output, signal }: TerminalOptions): Promise<JobContainer> {
    const text =
      "The image's entrypoint has ended with the script: this is another container, without " +
      "it. What the job has changed outside of its volumes is not in it.\r\n";
    await output.write(new TextEncoder().encode(text));
    if (this.#containers === undefined) throw new RunnerError("The executor was not prepared");
    return await this.#containers.another(signal);
  }

  keep(): KeptEnvironment | undefined {
    if (this.#containers === undefined) return undefined;
    this.#isKept = true;
    return keptEnvironment(this.#containers);
  }

  /** As often as `EXECUTOR_JOB_SECTION_ATTEMPTS` says while its container is taken away. */
  async #runAgain(
    command: StageCommand,
    io: ExecutorIO,
    signal: AbortSignal,
  ): Promise<ExitStatus> {
    const { sectionAttempts } = this.#prepared().facts.settings;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#run(command, io, signal);
      } catch (error) {
        if (!(error instanceof ContainerGone) || signal.aborted) throw error;
        if (attempt >= sectionAttempts) {
          if (attempt > 1) io.log.error("Execution attempts exceeded");
          throw error;
        }
        io.log.error(`Container "${error.id}" not found or removed. Will retry...`);
        io.log.notice(`Retrying ${command.stage}`);
      }
    }
  }

  async #run(command: StageCommand, io: ExecutorIO, signal: AbortSignal): Promise<ExitStatus> {
    signal.throwIfAborted();
    this.#activity = "docker_run";
    const containers = this.#prepared();
    const { facts } = containers;
    const isCleanUp = command.stage === "cleanup_file_variables";
    if (isCleanUp && this.#mayLeave(facts)) return { kind: "exited", code: 0 };
    const { argv } = command.invocation;
    // What stays is rid of secrets also where there is no usable helper.
    const isHelper = command.target === "helper" && !(isCleanUp && this.#isKept);
    const container = isHelper ? await containers.helper(signal) : containers.build;
    const process = {
      argv: stageCommand({
        shell: isDetected(argv) ? undefined : argv,
        ownProcesses: container.hasOwnProcesses,
        before: containers.before(command.stage, { isHelper }),
      }),
      ...(isHelper ? { env: SAFE_DIRECTORY } : {}),
      graceMs: (reason: unknown) => graceFor(reason, GRACE_MS),
    };
    const ready = isHelper ? {} : { ready: () => containers.handOver(signal) };
    const run = async (script: string, output: OutputSink) => {
      const input = new TextEncoder().encode(script);
      return await container.run({ ...process, ...ready, input, output }, { signal });
    };
    const end = container.isKept
      ? await run(command.script, io.output)
      : await runMarked(command.script, run, { io, image: facts.image, signal });
    if (isHelper) {
      if (end.exitCode === HELPER_UNUSABLE && await containers.judgeHelper(signal) === "replaced") {
        return await this.#run(command, io, signal);
      }
      containers.noteHelperWork(command.stage);
    }
    return await exitStatus(container, end, signal);
  }

  /**
   * Whether the job's temporary directory needs no stage of its own to go: it goes with its volume.
   * What a user's own job has put there may also stay until the next job, which begins by removing it.
   */
  #mayLeave({ volumes, variables, flags }: JobFacts): boolean {
    if (this.#isKept) return false;
    return volumes.temporaryBuilds || this.#options.oneContainer &&
        variables.files.length === 0 && !flags.FF_ENABLE_JOB_CLEANUP;
  }

  #prepared(): JobContainers {
    if (this.#containers === undefined) throw new RunnerError("The executor was not prepared");
    return this.#containers;
  }

  async finish(_result: JobResult): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#work.dispose();
    if (this.#isKept) {
      await this.#containers?.abandon();
      // Its key stays this process's own: the reaper of a later one finds it.
      return;
    }
    const { ownership } = this.#options.link;
    const keys = [...this.#keys];
    try {
      await this.#removeAll();
    } catch (cause) {
      throw new SystemFailure(
        "What the job had in the Docker Engine stays until the engine lets it be removed, which is " +
          `tried as soon as it answers, and every minute: ${messageOf(cause)}`,
        { cause },
      );
    } finally {
      // What could not be removed is the reaper's now.
      for (const key of keys) ownership.drop(key);
    }
    await this.#work.settled;
  }

  /** Tries some times: an engine under load can take long to let go of a container. */
  async #removeAll(): Promise<void> {
    await this.#containers?.abandon();
    this.#containers = undefined;
    const signal = AbortSignal.timeout(DISPOSE_MS);
    const { link: { engine } } = this.#options;
    for (const key of this.#keys) {
      for (let attempt = 1;; attempt++) {
        try {
          await removeJob(engine, key, { signal });
          break;
        } catch (cause) {
          if (attempt === DISPOSE_TRIES || signal.aborted) throw cause;
          await delay(attempt * 500);
        }
      }
      this.#keys.delete(key);
    }
  }
}

/** In containers both mean: bash where there is one. */
function isDetected(argv: readonly string[]): boolean {
  return argv.length === 1 && (argv[0] === "bash" || argv[0] === "sh");
}

/** 128 and the number of SIGKILL. */
const KILLED = 137;

async function exitStatus(
  container: JobContainer,
  end: ProcessEnd,
  signal: AbortSignal,
): Promise<ExitStatus> {
  if (end.error !== undefined && end.error !== "") throw new SystemFailure(end.error);
  if (end.exitCode === KILLED && await container.killedBy(signal) === "memory") {
    return { kind: "oom-killed" };
  }
  return { kind: "exited", code: end.exitCode };
}
