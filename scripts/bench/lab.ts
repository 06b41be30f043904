/** A manager process that serves one runner entry, and the coordinator that feeds it. */

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  EmbeddedCoordinator,
  type EmbeddedJob,
  type JobDescriptionInput,
} from "../../core/embedded/mod.ts";
import { ProcessUsage } from "./process_usage.ts";

export interface LabOptions {
  readonly executable: string;
  /** Folder to work below. What is left in it is the caller's to remove. */
  readonly scratch: string;
  readonly concurrent?: number;
  /** TOML lines of the runner entry. */
  readonly entry?: readonly string[];
  /** Jobs run in containers, not in a shell of this machine. */
  readonly docker?: {
    /** TOML lines of `[runners.docker]`. */
    readonly lines: readonly string[];
    /** Where containers reach this process. */
    readonly hostname: string;
  };
  /** The coordinator has no long polling: the runner asks at the default check interval. */
  readonly shortPolls?: boolean;
}

/** Longer than any benchmark, so that no poll ends in the middle of one. */
const LONG_POLL_MS = 600_000;
const STOP_LIMIT_MS = 20_000;

export class Lab implements AsyncDisposable {
  readonly directory: string;
  /** Of bare repositories. */
  readonly reposRoot: string;
  readonly #options: LabOptions;
  #coordinator: EmbeddedCoordinator | undefined;
  #manager: Bun.Subprocess | undefined;

  /** Resolves when the manager has asked for its first job. */
  static async open(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options);
    try {
      await lab.#start();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  private constructor(options: LabOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(options.scratch, "lab-"));
    this.reposRoot = join(this.directory, "repos");
  }

  /** The manager alone, without the processes of its jobs. */
  get manager(): ProcessUsage {
    if (this.#manager === undefined) throw new Error("The manager does not run");
    return new ProcessUsage(this.#manager.pid);
  }

  /** Opens a job to the runner at once. */
  enqueue(job: JobDescriptionInput): EmbeddedJob {
    if (this.#coordinator === undefined) throw new Error("The coordinator does not run");
    return this.#coordinator.enqueue(job);
  }

  /** Runs one job to its end; {@link succeeded} says what is expected of it. */
  async run(job: JobDescriptionInput): Promise<EmbeddedJob> {
    return await succeeded(this.enqueue(job));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const manager = this.#manager;
    if (manager !== undefined) {
      manager.kill("SIGTERM");
      const forced = setTimeout(() => manager.kill("SIGKILL"), STOP_LIMIT_MS);
      await manager.exited;
      clearTimeout(forced);
    }
    await this.#coordinator?.stop();
  }

  async #start(): Promise<void> {
    const { directory, reposRoot } = this;
    const { docker } = this.#options;
    for (const name of ["home", "work", "builds", "cache", "repos"]) {
      mkdirSync(join(directory, name));
    }
    const connected = Promise.withResolvers<void>();
    const coordinator = await EmbeddedCoordinator.start({
      reposRoot,
      dataDirectory: join(directory, "coordinator"),
      ...(docker === undefined ? {} : { hostname: docker.hostname }),
      ...(this.#options.shortPolls === true
        ? {}
        : { longPollMs: LONG_POLL_MS, longPollHandsOut: true }),
    });
    this.#coordinator = coordinator;
    coordinator.onEvent(({ kind }) => kind === "runner" && connected.resolve());
    this.#manager = this.#startManager(coordinator);
    const died = this.#manager.exited.then((code) => {
      throw new Error(`The manager ended with exit code ${code} before it asked for a job`);
    });
    await Promise.race([connected.promise, died]);
  }

  #startManager(coordinator: EmbeddedCoordinator): Bun.Subprocess {
    const { directory } = this;
    const { executable, concurrent = 1, entry = [], docker, shortPolls = false } = this.#options;
    const config = join(directory, "config.toml");
    const lines = [
      `concurrent = ${concurrent}`,
      ...(shortPolls ? [] : ["check_interval = 1"]),
      "[[runners]]",
      'name = "bench"',
      `url = "${coordinator.url}"`,
      `token = "${coordinator.addRunner().token}"`,
      ...(docker === undefined
        ? [
          ...(entry.some((line) => line.startsWith("executor = ")) ? [] : ['executor = "shell"']),
          'shell = "bash"',
          `builds_dir = "${directory}/builds"`,
          `cache_dir = "${directory}/cache"`,
        ]
        : ['executor = "docker"']),
      ...entry,
      ...(docker === undefined ? [] : ["[runners.docker]", ...docker.lines]),
    ];
    writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o600 });
    return Bun.spawn([executable, "run", "--config", config], {
      cwd: join(directory, "work"),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: join(directory, "home"),
        LANG: "C.UTF-8",
        TMPDIR: directory,
      },
      stdio: ["ignore", "ignore", "ignore"],
    });
  }
}

/** Waits for the job. Throws, with the end of its log, when it fails or its log is not whole. */
export async function succeeded(job: EmbeddedJob): Promise<EmbeddedJob> {
  const outcome = await job.finished;
  if (outcome.state === "success" && outcome.checksum === "match") return job;
  const log = (await job.trace.text()).slice(-2000);
  const checksum = `checksum: ${outcome.checksum}`;
  throw new Error(`Job ${job.id} ended as ${outcome.state} (${checksum}). Its log:\n${log}`);
}

/** Milliseconds from when the coordinator handed the job out to its final update. */
export function jobMs(job: EmbeddedJob): number {
  const { handedOut, finished } = job.times;
  if (handedOut === undefined || finished === undefined) {
    throw new Error(`Job ${job.id} is not over`);
  }
  return finished - handedOut;
}

/** Milliseconds from the first job's hand-out to the last job's final update. */
export function jobsMs(jobs: readonly EmbeddedJob[]): number {
  const first = Math.min(...jobs.map(({ times }) => times.handedOut ?? Infinity));
  return Math.max(...jobs.map(({ times }) => times.finished ?? Infinity)) - first;
}
