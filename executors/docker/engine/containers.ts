/** Containers of an engine: made, started, ended, removed. */

import { z } from "zod";
import { containerDetails, ContainerJson } from "./container_details.ts";
import type { Engine, Labels } from "./engine.ts";
import { EngineError } from "./engine_error.ts";
import { type EngineHttp, unlessMissing } from "./engine_http.ts";
import { labelFilter } from "./filters.ts";

export type ContainerCalls = Pick<
  Engine,
  | "createContainer"
  | "startContainer"
  | "waitContainer"
  | "inspectContainer"
  | "listContainers"
  | "killContainer"
  | "stopContainer"
  | "removeContainer"
  | "waitRemoved"
>;

const Created = z.object({ Id: z.string() });

const WaitAnswer = z.object({
  StatusCode: z.number(),
  Error: z.object({ Message: z.string() }).nullish(),
});

const ContainerList = z.array(z.object({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  State: z.string().default(""),
  Created: z.number().default(NaN),
}));

/** Answers of an engine about a container that is in the asked state, or not there at all. */
const ALREADY = [304, 404];

export function containerCalls(http: EngineHttp): ContainerCalls {
  return {
    async createContainer(name, spec, { signal, platform }) {
      const query = { name, platform };
      const path = "/containers/create";
      const call = { method: "POST", path, query, json: spec, signal } as const;
      return (await http.json(Created, call)).Id;
    },

    async startContainer(id, { signal }) {
      await http.done({ method: "POST", path: `${pathOf(id)}/start`, signal }, [304]);
    },

    async waitContainer(id, { signal }) {
      const path = `${pathOf(id)}/wait`;
      const end = await http.json(WaitAnswer, { method: "POST", path, signal });
      return { exitCode: end.StatusCode, error: end.Error?.Message || undefined };
    },

    async inspectContainer(id, { signal }) {
      const path = `${pathOf(id)}/json`;
      const found = await unlessMissing(http.json(ContainerJson, { method: "GET", path, signal }));
      return found === "not-found" ? found : containerDetails(found);
    },

    async listContainers({ labels, all }, { signal }) {
      const query = { all: all ? "1" : undefined, filters: labelFilter(labels) };
      const call = { method: "GET", path: "/containers/json", query, signal } as const;
      return (await http.json(ContainerList, call)).map((container) => ({
        id: container.Id,
        name: container.Names?.[0]?.replace(/^\//, "") ?? "",
        labels: (container.Labels ?? {}) as Labels,
        state: container.State,
        createdAtMs: 1000 * container.Created,
      }));
    },

    async killContainer(id, signalName, { signal }) {
      const query = { signal: signalName };
      const call = { method: "POST", path: `${pathOf(id)}/kill`, query, signal } as const;
      // 409: it does not run.
      await http.done(call, [409, ...ALREADY]);
    },

    async stopContainer(id, timeoutSeconds, { signal }) {
      const query = { t: String(timeoutSeconds) };
      await http.done({ method: "POST", path: `${pathOf(id)}/stop`, query, signal }, ALREADY);
    },

    async removeContainer(id, { signal }) {
      try {
        await removeNow(http, id, signal);
      } catch (error) {
        if (isAlreadyGoing(error)) return await waitRemoved(http, id, signal);
        if (!hasJustEnded(error)) throw error;
        await removeNow(http, id, signal);
      }
    },

    waitRemoved: (id, { signal }) => waitRemoved(http, id, signal),
  };
}

/** Ends it first where it runs, and takes its volumes without a name along. */
async function removeNow(http: EngineHttp, id: string, signal: AbortSignal): Promise<void> {
  const query = { force: "1", v: "1" };
  await http.done({ method: "DELETE", path: pathOf(id), query, signal }, [404]);
}

async function waitRemoved(http: EngineHttp, id: string, signal: AbortSignal): Promise<void> {
  const query = { condition: "removed" };
  await http.done({ method: "POST", path: `${pathOf(id)}/wait`, query, signal }, [404]);
}

function isAlreadyGoing(error: unknown): boolean {
  return error instanceof EngineError && error.kind === "conflict" &&
    error.message.includes("already in progress");
}

/** Podman gives up where a container ends by itself while it is being ended. */
function hasJustEnded(error: unknown): boolean {
  return error instanceof EngineError && error.message.includes("container state improper");
}

function pathOf(id: string): string {
  return `/containers/${encodeURIComponent(id)}`;
}
