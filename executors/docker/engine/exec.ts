/** Processes in a running container. */

import { z } from "zod";
import type { ExitStatus, Terminal, TerminalOptions } from "../../../core/executor.ts";
import { delay } from "../../../core/util/abort.ts";
import { backoff } from "../../../core/util/retry.ts";
import type { AttachedStreams, Engine, ExecOptions, ExecRequest, ProcessEnd } from "./engine.ts";
import type { EngineHttp } from "./engine_http.ts";
import { attachStreams } from "./output_streams.ts";

export type ExecCalls = Pick<Engine, "exec" | "openTerminal">;

export function execCalls(http: EngineHttp): ExecCalls {
  return {
    async exec(containerId, request, options) {
      const { signal } = options;
      const id = await createExec(http, containerId, request, signal);
      await runToEnd(http, id, request.input, options);
      return await endOf(http, id, signal);
    },

    async openTerminal(containerId, argv, options) {
      const { signal } = options;
      const id = await createExec(http, containerId, { argv, isTerminal: true }, signal);
      return await startOnTerminal(http, id, options);
    },
  };
}

const Created = z.object({ Id: z.string() });

async function createExec(
  http: EngineHttp,
  containerId: string,
  request: ExecRequest & { readonly isTerminal?: true },
  signal: AbortSignal,
): Promise<string> {
  const { isTerminal = false } = request;
  const created = await http.json(Created, {
    method: "POST",
    path: `/containers/${encodeURIComponent(containerId)}/exec`,
    json: {
      Cmd: request.argv,
      Env: request.env,
      User: request.user,
      AttachStdin: request.input !== undefined || isTerminal,
      AttachStdout: true,
      AttachStderr: true,
      Tty: isTerminal,
    },
    signal,
  });
  return created.Id;
}

async function runToEnd(
  http: EngineHttp,
  id: string,
  input: Uint8Array | undefined,
  { output, signal, onStart }: ExecOptions,
): Promise<void> {
  const { connection } = await http.hijack({
    method: "POST",
    path: `/exec/${id}/start`,
    json: { Detach: false, Tty: false },
    signal,
  });
  onStart?.();
  await using streams = attachStreams(connection, output, "frames");
  if (input !== undefined) sendAll(streams, input);
  await streams.ended;
}

async function startOnTerminal(
  http: EngineHttp,
  id: string,
  { output, size, signal }: TerminalOptions,
): Promise<Terminal> {
  const path = `/exec/${id}/start`;
  const json = { Detach: false, Tty: true };
  const { connection } = await http.hijack({ method: "POST", path, json, signal });
  const streams = attachStreams(connection, output, "raw");
  const resize: Terminal["resize"] = ({ columns, rows }) => {
    const query = { w: String(columns), h: String(rows) };
    // A size that cannot be told is a nuisance, and no more.
    http.done({ method: "POST", path: `/exec/${id}/resize`, query, signal }).catch(() => {});
  };
  resize(size);
  const ended = endOfTerminal(http, id, streams, signal);
  ended.catch(() => {});
  // Whatever is wrong with the connection ends the output, too.
  return { write: (bytes) => streams.write(bytes).catch(() => {}), resize, ended };
}

async function endOfTerminal(
  http: EngineHttp,
  id: string,
  streams: AttachedStreams,
  signal: AbortSignal,
): Promise<ExitStatus> {
  await using _ = streams;
  try {
    await streams.ended;
    const { exitCode } = await endOf(http, id, signal);
    return { kind: "exited", code: exitCode };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** A process may end without having read its input: what counts is how the output ends. */
function sendAll(streams: AttachedStreams, input: Uint8Array): void {
  streams.write(input).then(() => streams.closeInput(), () => {});
}

const ExecState = z.object({ Running: z.boolean(), ExitCode: z.number().nullish() });

/**
 * The output of a process can be over before the engine has noted its end, and a process may close
 * its output and go on: then the engine is asked again, ever more rarely.
 */
const ASK_AGAIN = { minMs: 2, maxMs: 500 };

async function endOf(http: EngineHttp, id: string, signal: AbortSignal): Promise<ProcessEnd> {
  for (let attempt = 0;; attempt++) {
    const state = await http.json(ExecState, { method: "GET", path: `/exec/${id}/json`, signal });
    if (!state.Running && typeof state.ExitCode === "number") {
      return { exitCode: state.ExitCode, error: undefined };
    }
    await delay(backoff(attempt, ASK_AGAIN), { signal });
  }
}
