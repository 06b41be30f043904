/** The private directory of one job: what the programs are given, and what they leave for us. */

import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { codeOf, messageOf, SystemFailure } from "../../core/errors.ts";
import type { ExecutorNote } from "../../core/executor.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import { decodeJob, encodeJob } from "../../core/plugin/wire.ts";
import { PrepareParams } from "../../core/plugin/protocol.ts";
import { DriverConfig } from "./driver_config.ts";

const PREFIX = "custom-executor";

/** What a later process needs to call `cleanup_exec` as this one would have. */
const State = z.object({
  job: PrepareParams.omit({ handle: true }),
  driver: DriverConfig,
});

/** Made in the system's temporary directory, 0700; every file in it is 0600 or 0700. */
export class JobFiles {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Throws SystemFailure when the directory cannot be made. */
  static create(): JobFiles {
    try {
      return new JobFiles(mkdtempSync(join(tmpdir(), PREFIX)));
    } catch (cause) {
      throw new SystemFailure(`Cannot make a directory in "${tmpdir()}": ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** The directory of a job whose runner died; undefined when it is gone, or not ours. */
  static reopen({ directory }: ExecutorNote): JobFiles | undefined {
    if (typeof directory !== "string" || dirname(directory) !== tmpdir()) return undefined;
    if (!basename(directory).startsWith(PREFIX)) return undefined;
    try {
      const found = lstatSync(directory);
      const isOurs = found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
      return isOurs ? new JobFiles(directory) : undefined;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  get note(): ExecutorNote {
    return { directory: this.path };
  }

  /** `JOB_RESPONSE_FILE`: the job as GitLab described it. */
  get jobResponse(): string {
    return join(this.path, "job_response.json");
  }

  /** `BUILD_EXIT_CODE_FILE`: where a program may say how the job's script ended. */
  get exitCode(): string {
    return join(this.path, "build_exit_code");
  }

  writeJob(spec: JobSpec, driver: DriverConfig): void {
    const job = encodeJob(spec);
    writePrivate(this.jobResponse, JSON.stringify(job.job));
    writePrivate(join(this.path, "state.json"), JSON.stringify({ job, driver }));
  }

  /** What {@link writeJob} was given. Throws for a directory that is not complete. */
  readJob(): { readonly spec: JobSpec; readonly driver: DriverConfig } {
    const text = readFileSync(join(this.path, "state.json"), "utf8");
    const { job, driver } = State.parse(JSON.parse(text));
    return { spec: decodeJob(job), driver };
  }

  /** A stage's script in a directory of its own, executable; its path. */
  writeScript(text: string, extension: string): string {
    const directory = mkdtempSync(join(this.path, "script"));
    const path = join(directory, `script.${extension}`);
    writeFileSync(path, text, { mode: 0o700, flag: "wx" });
    return path;
  }

  removeScript(path: string): void {
    rmSync(dirname(path), { recursive: true, force: true });
  }

  /** Forgets what an earlier stage's program wrote. */
  clearExitCode(): void {
    rmSync(this.exitCode, { force: true });
  }

  /** The exit code a program has left; undefined when it left none that can be read. */
  readExitCode(): number | undefined {
    try {
      const text = readFileSync(this.exitCode, "utf8").trim();
      return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}
