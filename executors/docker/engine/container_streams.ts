/** Input and output of containers: attaching to them, and their logs. */

import type { Engine } from "./engine.ts";
import type { EngineHttp } from "./engine_http.ts";
import { attachStreams, pump } from "./output_streams.ts";

export type StreamCalls = Pick<Engine, "attachContainer" | "containerLogs">;

export function streamCalls(http: EngineHttp): StreamCalls {
  return {
    async attachContainer(id, { signal, output, stdin }) {
      const { connection } = await http.hijack({
        method: "POST",
        path: `/containers/${encodeURIComponent(id)}/attach`,
        query: { stream: "1", stdout: "1", stderr: "1", stdin: stdin ? "1" : undefined },
        signal,
      });
      return attachStreams(connection, output, "frames");
    },

    async containerLogs(id, { signal, output, follow, timestamps }) {
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
      await http.stream(call, ({ body }) => pump(body, output, "frames"));
    },
  };
}
