/** What happens in an engine, as it happens. */

import { z } from "zod";
import type { Engine, EngineEvent } from "./engine.ts";
import { EngineError } from "./engine_error.ts";
import { type EngineHttp, parseAnswer } from "./engine_http.ts";
import { labelFilter } from "./filters.ts";
import { readLines } from "./json_lines.ts";

export type EventCalls = Pick<Engine, "events">;

const EventJson = z.object({
  Type: z.string().default(""),
  Action: z.string().default(""),
  Actor: z.object({
    ID: z.string().default(""),
    Attributes: z.record(z.string(), z.string()).nullish(),
  }).prefault({}),
});

export function eventCalls(http: EngineHttp): EventCalls {
  return {
    async *events({ types, labels }, { signal }): AsyncGenerator<EngineEvent, void> {
      const query = { filters: labelFilter(labels, { type: types }) };
      const call = { method: "GET", path: "/events", query, signal } as const;
      using answer = await http.open(call);
      for await (const line of readLines(answer.body)) {
        const event = parseAnswer(EventJson, line, call);
        yield {
          type: event.Type,
          action: event.Action,
          id: event.Actor.ID,
          attributes: event.Actor.Attributes ?? {},
        };
      }
      throw new EngineError(
        "unreachable",
        "The Docker Engine ended its events; check that it is still running",
      );
    },
  };
}
