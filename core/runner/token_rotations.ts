/** Keeps the tokens of all entries from expiring, and writes the new ones to config.toml. */

import { saveToken } from "../config/save_token.ts";
import type { RunnerConfig } from "../config/schema.ts";
import { messageOf } from "../errors.ts";
import { type ConnectOptions, connectRunner } from "./connect.ts";
import { rotateToken, rotationDue } from "./token_rotation.ts";

export class TokenRotations {
  readonly #options: ConnectOptions;
  #following = new AbortController();

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  /** Waits for these entries' tokens from now on, and for no others. */
  follow(runners: readonly RunnerConfig[]): void {
    this.stop();
    const { signal } = this.#following = new AbortController();
    for (const runner of runners) {
      if (rotationDue(runner) === undefined) continue;
      this.#rotate(runner, signal).catch((error) => {
        if (signal.aborted) return;
        this.#options.logger.error("Cannot keep the runner's new token", {
          runner_name: runner.name,
          error: messageOf(error),
        });
      });
    }
  }

  stop(): void {
    this.#following.abort(new Error("The configuration has changed"));
  }

  async #rotate(runner: RunnerConfig, signal: AbortSignal): Promise<void> {
    const { logger, configPath, env } = this.#options;
    using coordinator = connectRunner(runner, this.#options);
    await rotateToken(runner, {
      logger,
      now: Date.now,
      reset: (entry, its) => coordinator.resetToken({ runnerId: entry.id }, its),
      save: (entry, token, obtainedAt, expiresAt) =>
        saveToken(configPath, entry, { token, obtainedAt, expiresAt }, { env }),
    }, { signal });
  }
}
