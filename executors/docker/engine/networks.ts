/** Networks of an engine. */

import { z } from "zod";
import type { Engine } from "./engine.ts";
import { type EngineHttp, unlessMissing } from "./engine_http.ts";
import { labelFilter } from "./filters.ts";

export type NetworkCalls = Pick<
  Engine,
  "createNetwork" | "connectNetwork" | "listNetworks" | "networkContainers" | "removeNetwork"
>;

const Created = z.object({ Id: z.string() });

const NetworkList = z.array(z.object({
  Id: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
}));

const NetworkDetails = z.object({ Containers: z.record(z.string(), z.unknown()).nullish() });

export function networkCalls(http: EngineHttp): NetworkCalls {
  return {
    async createNetwork(name, { signal, labels, ipv6, mtu }) {
      const json = {
        Name: name,
        // Engines before 25 allow two networks of one name unless told not to.
        CheckDuplicate: true,
        Driver: "bridge",
        EnableIPv6: ipv6,
        Options: mtu === undefined ? undefined : { "com.docker.network.driver.mtu": String(mtu) },
        Labels: labels,
      };
      const call = { method: "POST", path: "/networks/create", json, signal } as const;
      return (await http.json(Created, call)).Id;
    },

    async connectNetwork(network, container, { signal, aliases }) {
      const path = `${pathOf(network)}/connect`;
      const json = { Container: container, EndpointConfig: { Aliases: aliases } };
      await http.done({ method: "POST", path, json, signal });
    },

    async listNetworks(labels, { signal }) {
      const query = { filters: labelFilter(labels) };
      const call = { method: "GET", path: "/networks", query, signal } as const;
      const networks = await http.json(NetworkList, call);
      return networks.map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
    },

    async networkContainers(id, { signal }) {
      const call = { method: "GET", path: pathOf(id), signal } as const;
      const found = await unlessMissing(http.json(NetworkDetails, call));
      return found === "not-found" ? [] : Object.keys(found.Containers ?? {});
    },

    async removeNetwork(id, { signal }) {
      await http.done({ method: "DELETE", path: pathOf(id), signal }, [404]);
    },
  };
}

function pathOf(id: string): string {
  return `/networks/${encodeURIComponent(id)}`;
}
