/** What an engine tells about one container. */

import { z } from "zod";
import type { ContainerDetails } from "./engine.ts";

/** Its own words for what Docker calls otherwise. */
const STATES_OF_PODMAN: Readonly<Record<string, string>> = {
  configured: "created",
  initialized: "created",
  stopping: "running",
  stopped: "exited",
};

export const ContainerJson = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({
    Status: z.preprocess(
      (status) => STATES_OF_PODMAN[String(status)] ?? status,
      z.enum(["created", "running", "paused", "restarting", "removing", "exited", "dead"]),
    ),
    StartedAt: z.string().default(""),
    ExitCode: z.number(),
    OOMKilled: z.boolean().default(false),
    Error: z.string().default(""),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  NetworkSettings: z.object({
    Networks: z.record(
      z.string(),
      z.object({
        IPAddress: z.string().default(""),
        GlobalIPv6Address: z.string().default(""),
      }),
    ).nullish(),
  }).nullish(),
  Mounts: z.array(z.object({ Name: z.string().default(""), Destination: z.string() })).nullish(),
});
export type ContainerJson = z.infer<typeof ContainerJson>;

export function containerDetails(json: ContainerJson): ContainerDetails {
  const networks = Object.entries(json.NetworkSettings?.Networks ?? {});
  return {
    id: json.Id,
    name: json.Name.replace(/^\//, ""),
    state: json.State.Status,
    startedAt: json.State.StartedAt,
    exitCode: json.State.ExitCode,
    oomKilled: json.State.OOMKilled,
    error: json.State.Error,
    health: healthOf(json.State.Health?.Status),
    labels: json.Config.Labels ?? {},
    addresses: Object.fromEntries(
      // Podman lists and makes its default network as "bridge", and shows it here as "podman".
      networks.map(([name, at]) => [
        name === "podman" ? "bridge" : name,
        at.IPAddress || at.GlobalIPv6Address,
      ])
        .filter(([, address]) => address !== ""),
    ),
    mounts: (json.Mounts ?? []).map(({ Name, Destination }) => ({
      name: Name,
      destination: Destination,
    })),
  };
}

function healthOf(status: string | undefined): ContainerDetails["health"] {
  return status === "starting" || status === "healthy" || status === "unhealthy" ? status : "none";
}
