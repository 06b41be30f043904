/** The compiled executable, the embedded coordinator and repositories: what most suites here need. */

import { expect } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  type CoordinatorOptions,
  EmbeddedCoordinator,
  type EmbeddedJob,
  type EmbeddedRunner,
  type JobDescriptionInput,
  type JobOutcome,
} from "../../core/embedded/mod.ts";
import { programEnd } from "../fixtures/program_end.ts";
import { makeRepositories, type Repositories } from "./repositories.ts";
import { eventually, RunnerProcess } from "./runner_process.ts";

export { eventually };

export interface LabOptions {
  readonly coordinator?: CoordinatorOptions;
  /** TOML lines of the `[[runners]]` entry. */
  readonly entry?: readonly string[];
  /** TOML lines in front of the entries. */
  readonly globals?: readonly string[];
  /** Adds to or replaces the environment of the executable. */
  readonly env?: Record<string, string>;
  /** As traces have them by default; off here so that a line is what was printed. */
  readonly timestamps?: boolean;
  /** `request_concurrency`: with more than one, jobs that are enqueued together start together. */
  readonly requestConcurrency?: number;
}

/** A job that is over, with everything that came of it. */
export interface FinishedJob extends JobOutcome {
  readonly job: EmbeddedJob;
  /** The log as the coordinator has it. */
  readonly text: string;
  /** The log without colours, sections and carriage returns. */
  readonly plain: string;
  readonly lines: readonly string[];
}

export class Lab implements AsyncDisposable {
  readonly coordinator: EmbeddedCoordinator;
  readonly runner: EmbeddedRunner;
  readonly process: RunnerProcess;
  readonly repositories: Repositories;

  /** Nothing is asked for before `start`. */
  static async open(options: LabOptions = {}): Promise<Lab> {
    const process = new RunnerProcess(options.env);
    const repositories = await makeRepositories(join(process.dir, "repositories"));
    const coordinator = await EmbeddedCoordinator.start({
      reposRoot: repositories.root,
      gitNeedsToken: true,
      longPollHandsOut: true,
      longPollMs: 2000,
      updateIntervalSeconds: 1,
      ...options.coordinator,
    });
    return new Lab(coordinator, process, repositories, options);
  }

  private constructor(
    coordinator: EmbeddedCoordinator,
    process: RunnerProcess,
    repositories: Repositories,
    options: LabOptions,
  ) {
    this.coordinator = coordinator;
    this.process = process;
    this.repositories = repositories;
    const requestConcurrency = options.requestConcurrency ?? 1;
    this.runner = coordinator.addRunner({ checkIntervalMs: 1000, requestConcurrency });
    const lines = [`request_concurrency = ${requestConcurrency}`, ...options.entry ?? []];
    process.configure([{
      url: coordinator.url,
      token: this.runner.token,
      lines: options.timestamps === true ? lines : withoutTimestamps(lines),
    }], options.globals);
  }

  start(args: readonly string[] = []): this {
    this.process.start(args);
    return this;
  }

  path(...parts: readonly string[]): string {
    return join(this.process.dir, ...parts);
  }

  enqueue(description: JobDescriptionInput): EmbeddedJob {
    return this.coordinator.enqueue(description);
  }

  /** A job from its description to its end. */
  async run(description: JobDescriptionInput): Promise<FinishedJob> {
    return await this.finished(this.enqueue(description));
  }

  async finished(job: EmbeddedJob): Promise<FinishedJob> {
    const outcome = await job.finished;
    const text = await job.trace.text();
    const plain = plainText(text);
    return { ...outcome, job, text, plain, lines: plain.split("\n") };
  }

  /** Resolves when the log of a running job has `text`. */
  async printed(job: EmbeddedJob, text: string): Promise<void> {
    await eventually(async () => (await job.trace.text()).includes(text), `"${text}" in the log`);
  }

  /** Where the archives of a job are, by type. */
  artifact(job: EmbeddedJob, type = "archive"): string {
    const found = this.coordinator.artifacts(job).find((each) => each.type === type);
    if (found === undefined) throw new Error(`job ${job.id} has no artifact of type ${type}`);
    return found.path;
  }

  /** A script line that waits until the gate is opened. */
  gate(name: string): { readonly wait: string; open(): void } {
    const path = this.path(name);
    return {
      wait: `until [ -e ${path} ]; do sleep 0.05; done`,
      open: () => writeFileSync(path, ""),
    };
  }

  /**
   * The coordinator has seen nothing that a correct runner does not do. Its judgement of the pace
   * counts each request by itself, so it says nothing where several may be open at a time.
   */
  expectNoFindings(): void {
    const judgesPace = this.runner.requestConcurrency === 1;
    const findings = this.coordinator.findings();
    expect(findings.filter(({ rule }) => judgesPace || rule !== "request-pace")).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.coordinator[Symbol.asyncDispose]();
  }
}

/** The log as a person reads it. */
function plainText(text: string): string {
  return text
    .replaceAll(/section_(?:start|end):\d+:[\w.-]+(?:\[[^\]]*\])?\r\x1b\[0K/g, "")
    .replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "")
    .replaceAll("\r", "");
}

/** Names of the sections of a log, in their order. */
export function sections(text: string): string[] {
  return [...text.matchAll(/section_start:\d+:([\w.-]+)/g)].map(([, name]) => name ?? "");
}

export function expectSuccess(job: FinishedJob): void {
  if (job.state !== "success") throw new Error(`job ${job.job.id} ${job.state}:\n${job.plain}`);
  expect(job.checksum).toBe("match");
}

export function expectFailure(job: FinishedJob, reason: string, exitCode?: number): void {
  const { state, failureReason, checksum } = job;
  if (state !== "failed") throw new Error(`job ${job.job.id} ${state}:\n${job.plain}`);
  expect({ failureReason, exitCode: job.exitCode, checksum })
    .toEqual({ failureReason: reason, exitCode, checksum: "match" });
}

/** Names in a zip archive, directories without their slash, sorted. */
export async function zipNames(path: string): Promise<string[]> {
  const names = await output(["unzip", "-Z1", path]);
  return names.split("\n").filter((name) => name !== "").map((name) => name.replace(/\/$/, ""))
    .sort();
}

/** The content of one file of a zip archive. */
export async function zipFile(path: string, name: string): Promise<string> {
  return await output(["unzip", "-p", path, name]);
}

/** Runs a program of the system; throws when it fails. */
export async function output(
  argv: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const child = Bun.spawn([...argv], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { code, stdout, stderr } = await programEnd(child);
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** All paths below a directory, relative to it; empty when there is none. */
export function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true }).map(String).sort();
}

/** Tables come last in TOML, so a feature flag joins the one that is there. */
function withoutTimestamps(lines: readonly string[]): readonly string[] {
  const at = lines.indexOf("[runners.feature_flags]");
  if (at < 0) return [...lines, "[runners.feature_flags]", "FF_TIMESTAMPS = false"];
  return [...lines.slice(0, at + 1), "FF_TIMESTAMPS = false", ...lines.slice(at + 1)];
}
