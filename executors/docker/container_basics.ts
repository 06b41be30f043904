/** What all containers of one job have. */

import type { ContainerBasics } from "./container_spec.ts";
import type { ContainerDetails } from "./engine/mod.ts";
import type { JobFacts } from "./job_facts.ts";
import { securityOptions } from "./security_options.ts";

export type SharedBasics = Pick<
  ContainerBasics,
  "docker" | "binds" | "network" | "extraHosts" | "init" | "securityOptions"
>;

/** `security`: the options of this kind of container, whose profiles are read. */
export function sharedBasics(facts: JobFacts, security: readonly string[]): SharedBasics {
  const { docker, flags, volumes } = facts;
  return {
    docker,
    binds: volumes.binds,
    network: networkOf(facts),
    extraHosts: docker.extra_hosts,
    init: flags.FF_USE_INIT_WITH_DOCKER_EXECUTOR,
    securityOptions: securityOptions(security),
  };
}

/** The network of the job's containers; empty means the engine's default. */
export function networkOf(facts: JobFacts): string {
  return facts.network ?? facts.docker.network_mode;
}

/** Its containers have the network of the host or of another container, sockets and all. */
export function isBorrowed(network: string): boolean {
  return network === "host" || network.startsWith("container:");
}

/** Where a container is found; empty: nowhere. */
export function addressIn(network: string, found: ContainerDetails | "not-found"): string {
  if (isBorrowed(network)) return "127.0.0.1";
  return found === "not-found" ? "" : found.addresses[network || "bridge"] ?? "";
}
