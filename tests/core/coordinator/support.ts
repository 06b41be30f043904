/** Real servers, certificates and collecting loggers for the coordinator client's tests. */

import { createServer, type Socket } from "node:net";
import {
  gitlabCoordinator,
  type GitLabCoordinatorOptions,
} from "../../../core/coordinator/client.ts";
import type { Clock } from "../../../core/coordinator/clock.ts";
import type { Coordinator, RunnerInfo } from "../../../core/coordinator/coordinator.ts";
import type { LogFields, Logger, LogLevel } from "../../../core/log/logger.ts";
import { Secret } from "../../../core/util/secret.ts";

export const TOKEN = "glrt-abcdefghijklmnop";

export const info: RunnerInfo = {
  name: "gitlab-runner",
  version: "19.4.0",
  revision: "HEAD",
  platform: "linux",
  architecture: "amd64",
  executor: "shell",
  features: { variables: true },
};

/** A signal that never aborts. */
export const calm = { signal: new AbortController().signal };

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export function collectingLogger(lines: LogLine[] = [], bound: LogFields = {}) {
  const write = (level: LogLevel) => (message: string, fields: LogFields = {}) => {
    lines.push({ level, message, fields: { ...bound, ...fields } });
  };
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warning: write("warning"),
    error: write("error"),
    fatal: write("fatal"),
    with: (fields) => collectingLogger(lines, { ...bound, ...fields }).logger,
  };
  return { logger, lines };
}

/** A clock that never really waits and remembers what it was asked for. */
export function instantClock(now = Date.UTC(2026, 0, 1)) {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => now,
    random: () => 0.5,
    delay(ms, { signal }) {
      signal.throwIfAborted();
      waits.push(ms);
      return Promise.resolve();
    },
  };
  return { clock, waits };
}

export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly text: string;
  json(): Record<string, unknown>;
}

type Reply = Response | ((request: Seen) => Response | Promise<Response>);

/** A server that gives `replies` in turn, the last one again and again. */
export function scripted(...replies: Reply[]) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const text = await request.text();
      const one: Seen = {
        method: request.method,
        url: new URL(request.url),
        headers: request.headers,
        text,
        json: () => JSON.parse(text),
      };
      const reply = replies[Math.min(seen.length, replies.length - 1)];
      seen.push(one);
      if (reply === undefined) return new Response(null, { status: 204 });
      return typeof reply === "function"
        ? await reply(one)
        : new Response(reply.clone().body, reply);
    },
  });
  return {
    seen,
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A TCP server for answers that no HTTP server would give. */
export async function rawServer(serve: (socket: Socket, connection: number) => void) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    serve(socket, ++connections);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Calls `answer` once the header of each request on `socket` is there. */
export function onRequest(socket: Socket, answer: (header: string) => void): void {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (!text.includes("\r\n\r\n")) return;
    const header = text;
    text = "";
    answer(header);
  });
}

export function coordinator(
  url: string,
  options: Partial<GitLabCoordinatorOptions> = {},
): Coordinator & { readonly lines: LogLine[] } {
  const { logger, lines } = collectingLogger();
  const made = gitlabCoordinator({
    url,
    token: new Secret(TOKEN),
    systemId: "s_123456789abc",
    env: {},
    logger,
    clock: instantClock().clock,
    ...options,
  });
  return Object.assign(made, { lines });
}

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

export function empty(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}
