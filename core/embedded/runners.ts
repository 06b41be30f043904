/** Runners this coordinator knows, and the managers (by `system_id`) that use them. */

import { randomBytes } from "node:crypto";

import { Bell } from "./bell.ts";

/** Prefix of tokens made with the runner, and of those exchanged for a registration token. */
const CREATED = "glrt-t1_";
const REGISTERED = "glrtr-";

export interface RunnerSettings {
  /** Authentication token; made up when absent. */
  readonly token?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly runUntagged?: boolean;
  readonly paused?: boolean;
  /** RFC 3339; null: never. */
  readonly tokenExpiresAt?: string | null;
  /** What the runner is configured with; the always-on checks judge it by these. */
  readonly requestConcurrency?: number;
  readonly checkIntervalMs?: number;
}

/** One runner manager: a process, identified by `system_id` (empty before 15.8). */
export interface RunnerManager {
  readonly systemId: string;
  /** `info` as last seen; undefined until a call carried it. */
  info: Readonly<Record<string, unknown>> | undefined;
  features: Readonly<Record<string, unknown>>;
  contactedAt: number;
  openPolls: number;
  /** When the last request that brought no job had started; undefined when the next may come at once. */
  emptySince: number | undefined;
}

export class EmbeddedRunner {
  readonly id: number;
  token: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  paused: boolean;
  tokenExpiresAt: string | null;
  readonly requestConcurrency: number;
  readonly checkIntervalMs: number;
  readonly managers = new Map<string, RunnerManager>();
  /** What a runner sends back as `last_update`: replaced when there may be a job for it. */
  queueToken = newQueueToken();
  readonly bell = new Bell();

  constructor(id: number, settings: RunnerSettings) {
    this.id = id;
    this.token = settings.token ?? newToken(CREATED);
    this.description = settings.description ?? "";
    this.tags = settings.tags ?? [];
    this.runUntagged = settings.runUntagged ?? true;
    this.paused = settings.paused ?? false;
    this.tokenExpiresAt = settings.tokenExpiresAt ?? null;
    this.requestConcurrency = settings.requestConcurrency ?? 1;
    this.checkIntervalMs = settings.checkIntervalMs ?? 3000;
  }

  /** Says that there may be a job: wakes long polls and makes the next request search. */
  tick(): void {
    this.queueToken = newQueueToken();
    this.bell.ring();
  }

  /** The manager a call came from, created at its first contact. */
  manager(systemId: string, info: Readonly<Record<string, unknown>> | undefined): RunnerManager {
    let manager = this.managers.get(systemId);
    if (manager === undefined) {
      manager = {
        systemId,
        info: undefined,
        features: {},
        contactedAt: 0,
        openPolls: 0,
        emptySince: undefined,
      };
      this.managers.set(systemId, manager);
    }
    manager.contactedAt = Date.now();
    if (info !== undefined) {
      manager.info = info;
      const features = info["features"];
      if (typeof features === "object" && features !== null) manager.features = { ...features };
    }
    return manager;
  }
}

export class RunnerStore {
  readonly #byToken = new Map<string, EmbeddedRunner>();
  #lastId = 0;

  add(settings: RunnerSettings = {}): EmbeddedRunner {
    const runner = new EmbeddedRunner(++this.#lastId, settings);
    this.#byToken.set(runner.token, runner);
    return runner;
  }

  /** A runner that came by a registration token: clients unregister it as a whole. */
  register(settings: RunnerSettings): EmbeddedRunner {
    return this.add({ ...settings, token: newToken(REGISTERED) });
  }

  find(token: unknown): EmbeddedRunner | undefined {
    return typeof token === "string" ? this.#byToken.get(token) : undefined;
  }

  remove(runner: EmbeddedRunner): void {
    this.#byToken.delete(runner.token);
  }

  /** Gives the runner a new token; the old one is dead at once. */
  rotate(runner: EmbeddedRunner): void {
    this.#byToken.delete(runner.token);
    runner.token = newToken(runner.token.startsWith("glrt-") ? CREATED : REGISTERED);
    this.#byToken.set(runner.token, runner);
  }

  all(): EmbeddedRunner[] {
    return [...this.#byToken.values()];
  }
}

/** A token nobody can guess, in GitLab's alphabet. */
export function newToken(prefix: string): string {
  return prefix + randomBytes(15).toString("base64url").replaceAll("-", "x").replaceAll("_", "y");
}

function newQueueToken(): string {
  return randomBytes(16).toString("hex");
}
