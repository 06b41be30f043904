/** The executor `shell`: jobs run on the manager's own host. */

import { ConfigurationError, messageOf } from "../../core/errors.ts";
import type { RunnerConfig } from "../../core/config/schema.ts";
import type {
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
} from "../../core/executor.ts";
import { CheckoutClaims } from "../../core/util/checkout_claims.ts";
import { killTree } from "../../core/util/process_tree.ts";
import { shortToken } from "../../core/util/token.ts";
import { MARK_VARIABLE } from "./environment.ts";
import { ShellExecutor } from "./executor.ts";
import { type JobUser, jobUser } from "./job_user.ts";
import { removeTempDir } from "./temp_dir.ts";

export interface ShellProviderOptions {
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where scripts start and relative directories begin. Absolute. */
  readonly workingDirectory: string;
  /** `run --user`: the account that jobs run as. */
  readonly user?: string | undefined;
  /** How a script calls this executable; this process's own program when left out. */
  readonly selfCommand?: readonly string[];
  /** How long processes may take to end after SIGTERM. Milliseconds; 30 s when left out. */
  readonly graceMs?: number;
}

/** Long enough for tools that tidy up, short enough for somebody who waits for a cancel. */
const GRACE_MS = 30_000;

/** What a runner entry without `shell` gets: the first that is installed. */
const DEFAULT_SHELLS: readonly string[] = process.platform === "win32"
  ? ["pwsh", "powershell"]
  : ["bash", "sh"];

export class ShellExecutorProvider implements ExecutorProvider {
  readonly name = "shell";
  readonly #options: ShellProviderOptions;
  readonly #claims = new CheckoutClaims();
  #user: Promise<JobUser> | undefined;

  constructor(options: ShellProviderOptions) {
    this.#options = options;
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
      defaultShell: config.shell || DEFAULT_SHELLS[0] || "bash",
    };
  }

  async acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<ShellExecutor> {
    const { env, workingDirectory, selfCommand, graceMs } = this.#options;
    return new ShellExecutor({
      shell: this.#shell(config),
      buildsDir: config.builds_dir,
      cacheDir: config.cache_dir,
      shortToken: shortToken(config.token.reveal()),
      workingDirectory,
      stateDir: options.host.stateDir,
      env,
      user: await this.#jobUser(options.signal),
      claims: this.#claims,
      selfCommand: selfCommand ?? [process.execPath],
      graceMs: graceMs ?? GRACE_MS,
    });
  }

  /** Processes are known by their mark alone, so a process id given out anew is never mistaken. */
  async reap(
    note: ExecutorNote,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<void> {
    const { mark, checkout_lease: checkout, lease = checkout, temp_dir: tempDir } = note;
    if (typeof mark !== "string" || !/^[0-9a-f-]{36}$/.test(mark)) return;
    await killTree(`${MARK_VARIABLE}=${mark}`);
    if (typeof lease !== "string" || typeof tempDir !== "string") return;
    try {
      const user = await this.#jobUser(options.signal);
      await removeTempDir({ lease, passing: lease === checkout, tempDir, user }, options);
    } catch (error) {
      options.host.logger.warning("Cannot remove a crashed job's file variables", {
        path: tempDir,
        error: messageOf(error),
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #shell(config: RunnerConfig): string {
    const path = this.#path();
    const wanted = config.shell === "" ? DEFAULT_SHELLS : [config.shell];
    const found = wanted.find((name) => Bun.which(name, { PATH: path }) !== null);
    if (found !== undefined) return found;
    throw new ConfigurationError(
      `Cannot run jobs of runner "${config.name}": ${wanted.join(" or ")} is not in PATH ` +
        `("${path}"). Install it, or name another one as "shell" in config.toml`,
    );
  }

  async #jobUser(signal: AbortSignal): Promise<JobUser | undefined> {
    const { user } = this.#options;
    if (user === undefined) return undefined;
    this.#user ??= jobUser(user, { path: this.#path(), signal });
    try {
      return await this.#user;
    } catch (error) {
      // The next job asks again: the account may have been made meanwhile.
      this.#user = undefined;
      throw error;
    }
  }

  #path(): string {
    return this.#options.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  }
}
