/** Runs helper commands as scripts do, and a coordinator that takes and gives artifacts. */

import { type HelperCommand, runHelper } from "../../../core/helper/helper_command.ts";

export interface HelperRun {
  readonly code: number;
  readonly stdout: string;
  /** Without the start-up line. */
  readonly log: string;
}

export async function run(
  command: HelperCommand,
  argv: readonly string[],
  options: {
    cwd: string;
    env?: Record<string, string>;
    color?: boolean;
    signal?: AbortSignal;
  },
): Promise<HelperRun> {
  let stdout = "";
  let log = "";
  const code = await runHelper(command, argv, {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"] ?? "", ...options.env },
    stdout: { write: (text) => stdout += text },
    stderr: { write: (text) => log += text },
    color: options.color ?? false,
    signal: options.signal ?? new AbortController().signal,
  });
  const lines = log.split("\n").filter((line) => !line.startsWith("Runtime platform"));
  return { code, stdout, log: lines.map((line) => line.trimEnd()).join("\n") };
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly token: string | null;
  readonly fileName: string;
  readonly content: Uint8Array;
}

/** Answers with `statuses` in turn (the last one for good) and keeps what it gets. */
export function artifactServer(statuses: readonly number[], download?: Uint8Array) {
  const received: Received[] = [];
  let calls = 0;
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const status = statuses[Math.min(calls++, statuses.length - 1)]!;
      const file = request.method === "POST" ? (await request.formData()).get("file") : null;
      received.push({
        method: request.method,
        path: url.pathname,
        query: url.searchParams,
        token: request.headers.get("job-token"),
        fileName: file instanceof File ? file.name : "",
        content: file instanceof File ? new Uint8Array(await file.arrayBuffer()) : new Uint8Array(),
      });
      const body = request.method === "GET" && status === 200 ? download : `{"message":"said so"}`;
      return new Response(body as string, { status, headers: { "X-Request-Id": "correlated" } });
    },
  });
  return {
    received,
    url: `http://localhost:${server.port}/`,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
