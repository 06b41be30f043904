/** The client of a Docker Engine, from the operator's settings. */

import { z } from "zod";
import { fixedVersion } from "./api_version.ts";
import { ConnectionPool } from "./connection_pool.ts";
import { fileCalls } from "./container_files.ts";
import { containerCalls } from "./containers.ts";
import { streamCalls } from "./container_streams.ts";
import { dialerFor } from "./dialer.ts";
import { endpointOf, type EndpointOptions } from "./endpoint.ts";
import type { Engine } from "./engine.ts";
import { EngineHttp } from "./engine_http.ts";
import { eventCalls } from "./events.ts";
import { execCalls } from "./exec.ts";
import { imageExportCalls } from "./image_export.ts";
import { imageCalls } from "./images.ts";
import { networkCalls } from "./networks.ts";
import { volumeCalls } from "./volumes.ts";

/**
 * Opens nothing yet: the first call does. `env` is also asked for `DOCKER_API_VERSION`. Throws
 * ConfigurationError for settings that cannot be used. Disposing ends what is open.
 */
export function connectEngine(options: EndpointOptions): Engine {
  const endpoint = endpointOf(options);
  const version = options.env["DOCKER_API_VERSION"];
  const pool = new ConnectionPool({
    dial: dialerFor(endpoint, options.env),
    address: endpoint.address,
    mostIdle: endpoint.kind === "unix" ? 0 : MOST_IDLE,
  });
  const http = new EngineHttp({ pool, version: version ? fixedVersion(version) : undefined });
  return {
    ...infoCalls(http),
    ...imageCalls(http),
    ...imageExportCalls(http),
    ...containerCalls(http),
    ...fileCalls(http),
    ...streamCalls(http),
    ...execCalls(http),
    ...volumeCalls(http),
    ...networkCalls(http),
    ...eventCalls(http),
    async [Symbol.asyncDispose]() {
      http[Symbol.dispose]();
    },
  };
}

/** What a job has open at once beside its streams; each is an ssh where that is the way. */
const MOST_IDLE = 4;

const Info = z.object({
  ServerVersion: z.string().default(""),
  OSType: z.string().default(""),
  Architecture: z.string().default(""),
  Name: z.string().default(""),
  MemTotal: z.number().default(0),
});

function infoCalls(http: EngineHttp): Pick<Engine, "ping" | "info"> {
  return {
    async ping({ signal }) {
      await http.ping(signal);
    },

    async info({ signal }) {
      const info = await http.json(Info, { method: "GET", path: "/info", signal });
      return {
        version: info.ServerVersion,
        apiVersion: await http.version(signal),
        os: info.OSType,
        architecture: info.Architecture,
        name: info.Name,
        memoryBytes: info.MemTotal,
      };
    },
  };
}
