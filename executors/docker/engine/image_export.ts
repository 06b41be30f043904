/** Images made of containers, and images written to archives. */

import { z } from "zod";
import type { Engine } from "./engine.ts";
import type { EngineHttp } from "./engine_http.ts";
import { imagePath, parseImageReference } from "./image_reference.ts";

export type ImageExportCalls = Pick<Engine, "commitContainer" | "exportImage">;

const Committed = z.object({ Id: z.string() });

export function imageExportCalls(http: EngineHttp): ImageExportCalls {
  return {
    async commitContainer(id, reference, { changes, signal }) {
      const { repository, tag } = parseImageReference(reference);
      const query = { container: id, repo: repository, tag, changes: changes.join("\n") };
      const call = { method: "POST", path: "/commit", query, json: {}, signal } as const;
      return (await http.json(Committed, call)).Id;
    },

    async *exportImage(reference, { signal }) {
      const path = `/images/${imagePath(reference)}/get`;
      using answer = await http.open({ method: "GET", path, signal });
      yield* answer.body;
    },
  };
}
