/** Keeps the tokens of all entries from expiring, and writes the new ones to config.toml. */

import { saveToken } from "../config/save_token.ts";
import type { RunnerConfig } from "../config/schema.ts";
import type { TokenResetOutcome } from "../coordinator/coordinator.ts";
import { messageOf } from "../errors.ts";
import { type ConnectOptions, connectRunner } from "./connect.ts";
import { rotateToken, rotationDue } from "./token_rotation.ts";

/** What a token that is being renewed may hold up the end of the process. */
const GRACE_MS = 5000;

export class TokenRotations {
  readonly #options: ConnectOptions;
  #following = new AbortController();
  #runners: readonly RunnerConfig[] = [];
  /** By token. GitLab may have made the new one already, so nothing cuts these off. */
  readonly #renewals = new Map<string, Promise<TokenResetOutcome>>();

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  /** Waits for these entries' tokens from now on, and for no others. */
  follow(runners: readonly RunnerConfig[]): void {
    this.stop();
    this.#runners = runners;
    const { signal } = this.#following = new AbortController();
    for (const runner of runners) {
      if (rotationDue(runner) === undefined || this.#renewals.has(runner.token.reveal())) continue;
      this.#rotate(runner, signal).catch((error) => {
        if (error === signal.reason) return;
        this.#options.logger.error("Cannot keep the runner's new token", {
          runner_name: runner.name,
          error: messageOf(error),
        });
      });
    }
  }

  stop(): void {
    this.#following.abort(new Error("The configuration has changed"));
    this.#runners = [];
  }

  /** Resolves when all tokens that are being renewed are in the file, or will hardly get there. */
  async settled(): Promise<void> {
    const renewals = Promise.allSettled(this.#renewals.values());
    if (this.#renewals.size > 0) await Promise.race([renewals, Bun.sleep(GRACE_MS)]);
  }

  async #rotate(runner: RunnerConfig, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    await rotateToken(runner, {
      logger,
      now: Date.now,
      renew: (entry) => this.#renew(entry, signal),
    }, { signal });
  }

  async #renew(runner: RunnerConfig, signal: AbortSignal): Promise<TokenResetOutcome> {
    const token = runner.token.reveal();
    const renewal = this.#resetAndSave(runner);
    this.#renewals.set(token, renewal);
    try {
      const outcome = await renewal;
      // A reload meanwhile has passed this entry over.
      if (outcome.kind !== "reset" && signal.aborted) queueMicrotask(() => this.#resume());
      return outcome;
    } finally {
      this.#renewals.delete(token);
    }
  }

  #resume(): void {
    if (this.#runners.length > 0) this.follow(this.#runners);
  }

  async #resetAndSave(runner: RunnerConfig): Promise<TokenResetOutcome> {
    const { configPath, env, metrics } = this.#options;
    using coordinator = connectRunner(runner, this.#options);
    const { signal } = new AbortController();
    const outcome = await coordinator.resetToken({ runnerId: runner.id }, { signal });
    if (outcome.kind !== "reset") return outcome;
    try {
      await saveToken(configPath, runner, { ...outcome, obtainedAt: new Date() }, { env });
    } catch (error) {
      metrics?.configuration("saving-error");
      throw error;
    }
    metrics?.configuration("saved");
    return outcome;
  }
}
