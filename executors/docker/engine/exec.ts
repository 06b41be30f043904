/** Processes in a running container. */

import { z } from "zod";
import type { OutputSink, Terminal, TerminalSize } from "../../../core/executor.ts";
import { delay } from "../../../core/util/abort.ts";
import { backoff } from "../../../core/util/retry.ts";
import type { AttachedStreams, Engine, ExecRequest, ProcessEnd } from "./engine.ts";
import type { EngineHttp } from "./engine_http.ts";
import { attachStreams } from "./output_streams.ts";

export type ExecCalls = Pick<Engine, "exec" | "interact">;

export function execCalls(http: EngineHttp): ExecCalls {
  return {
    async exec(containerId, request, { signal, output }) {
      const id = await createExec(http, containerId, request, signal);
      await runToEnd(http, id, request.input, { output, signal });
      return await endOf(http, id, signal);
    },

    async interact(containerId, argv, terminal, { signal }) {
      const env = [`TERM=${terminal.type}`];
      const id = await createExec(http, containerId, { argv, env, isTerminal: true }, signal);
      await runOnTerminal(http, id, terminal, signal);
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
      WorkingDir: request.workingDir,
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
  { output, signal }: { output: OutputSink; signal: AbortSignal },
): Promise<void> {
  const { connection } = await http.hijack({
    method: "POST",
    path: `/exec/${id}/start`,
    json: { Detach: false, Tty: false },
    signal,
  });
  await using streams = attachStreams(connection, output, "frames");
  if (input !== undefined) sendAll(streams, input);
  await streams.ended;
}

async function runOnTerminal(
  http: EngineHttp,
  id: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const path = `/exec/${id}/start`;
  const json = { Detach: false, Tty: true };
  const { connection } = await http.hijack({ method: "POST", path, json, signal });
  const screen = {
    write(bytes: Uint8Array): undefined {
      terminal.write(bytes);
    },
  };
  await using streams = attachStreams(connection, screen, "raw");
  const resize = ({ columns, rows }: TerminalSize) => {
    const query = { w: String(columns), h: String(rows) };
    // A size that cannot be told is a nuisance, and no more.
    http.done({ method: "POST", path: `/exec/${id}/resize`, query, signal }).catch(() => {});
  };
  resize(terminal.size);
  using _ = terminal.listen({
    // Whatever is wrong with the connection ends the output, too.
    onInput: (bytes) => void streams.write(bytes).catch(() => {}),
    onResize: resize,
  });
  await streams.ended;
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
