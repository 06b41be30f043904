/** Input and output of containers: attaching to them, and their logs. */

import { z } from "zod";
import type { Engine } from "./engine.ts";
import type { EngineHttp } from "./engine_http.ts";
import { attachStreams, type Framing, pump } from "./output_streams.ts";

export type StreamCalls = Pick<Engine, "attachContainer" | "containerLogs">;

export function streamCalls(http: EngineHttp): StreamCalls {
  return {
    async attachContainer(id, { signal, output, stdin }) {
      const framing = await framingOf(http, id, signal);
      const { connection } = await http.hijack({
        method: "POST",
        path: `/containers/${encodeURIComponent(id)}/attach`,
        query: { stream: "1", stdout: "1", stderr: "1", stdin: stdin ? "1" : undefined },
        signal,
      });
      return attachStreams(connection, output, framing);
    },

    async containerLogs(id, { signal, output, follow, timestamps }) {
      const framing = await framingOf(http, id, signal);
      const call = {
        method: "GET",
        path: `/containers/${encodeURIComponent(id)}/logs`,
        query: {
          stdout: "1",
          stderr: "1",
          follow: follow ? "1" : undefined,
          timestamps: timestamps ? "1" : undefined,
        },
        signal,
      } as const;
      await http.stream(call, ({ body }) => pump(body, output, framing));
    },
  };
}

const Terminal = z.object({ Config: z.object({ Tty: z.boolean() }) });

/** Engines before API 1.42 do not say it in their answers. */
async function framingOf(http: EngineHttp, id: string, signal: AbortSignal): Promise<Framing> {
  const path = `/containers/${encodeURIComponent(id)}/json`;
  const { Config } = await http.json(Terminal, { method: "GET", path, signal });
  return Config.Tty ? "raw" : "frames";
}
