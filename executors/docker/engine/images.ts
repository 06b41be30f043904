/** Images of an engine. */

import { z } from "zod";
import type { Engine, ImageDetails } from "./engine.ts";
import { EngineError } from "./engine_error.ts";
import { type EngineHttp, parseAnswer, unlessMissing } from "./engine_http.ts";
import { imagePath, parseImageReference } from "./image_reference.ts";
import { importImage } from "./image_import.ts";
import { readLines } from "./json_lines.ts";
import { pullFault, pullRefusal, PullStep } from "./pull_step.ts";

export type ImageCalls = Pick<Engine, "inspectImage" | "pullImage" | "importImage" | "removeImage">;

export function imageCalls(http: EngineHttp): ImageCalls {
  return {
    inspectImage: (reference, { signal }) => inspectImage(http, reference, signal),

    async pullImage(reference, { signal, auth, platform, onProgress }) {
      const { repository, tag } = parseImageReference(reference);
      const call = {
        method: "POST",
        path: "/images/create",
        query: { fromImage: repository, tag, platform },
        // Engines read padded url-safe base64 only.
        headers: auth === undefined ? {} : { "X-Registry-Auth": encodeAuth(auth) },
        signal,
      } as const;
      await http.stream(call, async ({ body }) => {
        for await (const line of readLines(body)) {
          const step = parseAnswer(PullStep, line, call);
          const fault = pullFault(step);
          if (fault !== undefined) throw fault;
          onProgress?.({
            id: step.id,
            status: step.status,
            current: step.progressDetail.current,
            total: step.progressDetail.total,
          });
        }
      }).catch((error) => {
        throw pullRefusal(error);
      });
    },

    async importImage(reference, tar, { signal }) {
      await importImage(http, reference, tar, signal);
      const image = await inspectImage(http, reference, signal);
      if (image !== "not-found") return image.id;
      throw new EngineError("not-found", `The imported archive holds no image "${reference}"`);
    },

    async removeImage(id, { signal }) {
      const query = { noprune: "1" };
      await http.done({ method: "DELETE", path: `/images/${imagePath(id)}`, query, signal }, [404]);
    },
  };
}

const Image = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
  Os: z.string().default(""),
  Architecture: z.string().default(""),
  Config: z.object({
    Entrypoint: z.array(z.string()).nullish(),
    Cmd: z.array(z.string()).nullish(),
    User: z.string().nullish(),
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
    ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    Healthcheck: z.object({ Test: z.array(z.string()).nullish() }).nullish(),
  }).nullish(),
});

async function inspectImage(
  http: EngineHttp,
  reference: string,
  signal: AbortSignal,
): Promise<ImageDetails | "not-found"> {
  const path = `/images/${imagePath(reference)}/json`;
  const image = await unlessMissing(http.json(Image, { method: "GET", path, signal }));
  if (image === "not-found") return image;
  const test = image.Config?.Healthcheck?.Test ?? [];
  return {
    id: image.Id,
    repoTags: image.RepoTags ?? [],
    repoDigests: image.RepoDigests ?? [],
    os: image.Os,
    architecture: image.Architecture,
    entrypoint: withoutEmpty(image.Config?.Entrypoint ?? []),
    command: image.Config?.Cmd ?? [],
    user: image.Config?.User ?? "",
    env: image.Config?.Env ?? [],
    exposedPorts: Object.keys(image.Config?.ExposedPorts ?? {}),
    hasHealthcheck: test.length > 0 && test[0] !== "NONE",
    labels: image.Config?.Labels ?? {},
  };
}

/** Engines take a single empty word for no entrypoint, also where an image has it. */
function withoutEmpty(entrypoint: readonly string[]): readonly string[] {
  return entrypoint.length === 1 && entrypoint[0] === "" ? [] : entrypoint;
}

function encodeAuth(auth: object): string {
  return Buffer.from(JSON.stringify(auth)).toString("base64")
    .replaceAll("+", "-").replaceAll("/", "_");
}
