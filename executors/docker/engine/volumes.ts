/** Volumes of an engine. */

import { z } from "zod";
import type { Engine } from "./engine.ts";
import type { EngineHttp } from "./engine_http.ts";
import { labelFilter } from "./filters.ts";

export type VolumeCalls = Pick<
  Engine,
  "createVolume" | "listVolumes" | "removeVolume"
>;

const Created = z.object({ CreatedAt: z.string().default("") });

const VolumeList = z.object({
  Volumes: z.array(z.object({
    Name: z.string(),
    CreatedAt: z.string().default(""),
    Labels: z.record(z.string(), z.string()).nullish(),
  })).nullish(),
});

export function volumeCalls(http: EngineHttp): VolumeCalls {
  return {
    async createVolume(name, { signal, labels, driver, driverOptions }) {
      const json = { Name: name, Labels: labels, Driver: driver, DriverOpts: driverOptions };
      const call = { method: "POST", path: "/volumes/create", json, signal } as const;
      return (await http.json(Created, call)).CreatedAt;
    },

    async listVolumes(labels, { signal }) {
      const query = { filters: labelFilter(labels) };
      const call = { method: "GET", path: "/volumes", query, signal } as const;
      const { Volumes } = await http.json(VolumeList, call);
      return (Volumes ?? []).map(({ Name, CreatedAt, Labels }) => ({
        name: Name,
        labels: Labels ?? {},
        createdAtMs: Date.parse(CreatedAt),
      }));
    },

    async removeVolume(name, { signal }) {
      await http.done({ method: "DELETE", path: pathOf(name), signal }, [404]);
    },
  };
}

function pathOf(name: string): string {
  return `/volumes/${encodeURIComponent(name)}`;
}
