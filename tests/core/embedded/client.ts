/** A bare client of the runner API for these tests: plain fetch, nothing retried. */

import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

import { EmbeddedCoordinator } from "../../../core/embedded/coordinator.ts";
import type { EmbeddedRunner } from "../../../core/embedded/runners.ts";

export interface Handed {
  readonly id: number;
  readonly token: string;
  // deno-lint-ignore no-explicit-any -- tests look into the raw payload
  readonly payload: any;
}

const MODERN_FEATURES = { two_phase_job_commit: true, cancel_gracefully: true };

export class TestRunner {
  readonly coordinator: EmbeddedCoordinator;
  readonly runner: EmbeddedRunner;
  features: Record<string, boolean> = MODERN_FEATURES;
  lastUpdate: string | undefined;

  constructor(coordinator: EmbeddedCoordinator, runner = coordinator.addRunner()) {
    this.coordinator = coordinator;
    this.runner = runner;
  }

  async request(options: { signal?: AbortSignal } = {}): Promise<Response> {
    const { token } = this.runner;
    const answer = await this.call("POST", "/api/v4/jobs/request", {
      headers: { "Runner-Token": token },
      json: {
        token,
        system_id: "s_0123456789ab",
        info: { features: this.features },
        ...(this.lastUpdate === undefined ? {} : { last_update: this.lastUpdate }),
      },
      ...options,
    });
    this.lastUpdate = answer.headers.get("X-GitLab-Last-Update") ?? this.lastUpdate;
    return answer;
  }

  async take(): Promise<Handed> {
    const answer = await this.request();
    if (answer.status !== 201) throw new Error(`job request answered ${answer.status}`);
    const payload = await answer.json() as Handed["payload"];
    return { id: payload.id, token: payload.token, payload };
  }

  async takeAndAccept(): Promise<Handed> {
    const job = await this.take();
    const answer = await this.update(job, { state: "running" });
    if (answer.status !== 200) throw new Error(`acceptance answered ${answer.status}`);
    return job;
  }

  update(job: Handed, body: Record<string, unknown>): Promise<Response> {
    return this.call("PUT", `/api/v4/jobs/${job.id}`, {
      headers: { "Job-Token": job.token },
      json: { token: job.token, output: {}, ...body },
    });
  }

  finish(job: Handed, log: string, more: Record<string, unknown> = {}): Promise<Response> {
    const bytes = new TextEncoder().encode(log);
    const checksum = `crc32:${crc32(bytes).toString(16).padStart(8, "0")}`;
    const output = { checksum, bytesize: bytes.length };
    return this.update(job, { state: "success", output, ...more });
  }

  patch(job: Handed, offset: number, text: string): Promise<Response> {
    const bytes = new TextEncoder().encode(text);
    return this.call("PATCH", `/api/v4/jobs/${job.id}/trace?debug_trace=false`, {
      headers: {
        "Job-Token": job.token,
        "Content-Type": "text/plain",
        "Content-Range": `${offset}-${offset + bytes.length - 1}`,
      },
      body: bytes,
    });
  }

  upload(job: Handed, content: Uint8Array, query = ""): Promise<Response> {
    const form = new FormData();
    form.append("file", new File([new Uint8Array(content)], "artifacts.zip"));
    return this.call("POST", `/api/v4/jobs/${job.id}/artifacts${query}`, {
      headers: { "Job-Token": job.token },
      body: form,
    });
  }

  call(
    method: string,
    path: string,
    options: {
      headers?: Record<string, string>;
      json?: unknown;
      body?: RequestInit["body"];
      signal?: AbortSignal;
    } = {},
  ): Promise<Response> {
    const { json, body, signal } = options;
    return fetch(this.coordinator.url + path, {
      method,
      redirect: "manual",
      // On a reused connection fetch repeats a PUT by itself when it is reset.
      keepalive: false,
      headers: {
        "X-Request-Id": randomBytes(16).toString("hex"),
        ...(json === undefined ? {} : { "Content-Type": "application/json" }),
        ...options.headers,
      },
      ...(json === undefined
        ? (body === undefined ? {} : { body })
        : { body: JSON.stringify(json) }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

export function rules(coordinator: EmbeddedCoordinator): string[] {
  return coordinator.findings().map((finding) => finding.rule);
}
