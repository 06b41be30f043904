/** The services of a job: started before its own containers, told of when they do not come up. */

import { messageOf } from "../../core/errors.ts";
import type { JobLog, OutputSink } from "../../core/executor.ts";
import { deadline, delay } from "../../core/util/abort.ts";
import type { JobContainer } from "./container.ts";
import type { Engine, ImageDetails } from "./engine/mod.ts";
import type { ServicePlan } from "./service_plan.ts";

export interface RunningService {
  readonly plan: ServicePlan;
  readonly container: JobContainer;
  readonly image: ImageDetails;
  /** In the network that the job's containers share; empty where it has none. */
  readonly address: string;
}

/** Starts one service. Its address is known once it runs. */
export async function startService(
  plan: ServicePlan,
  image: ImageDetails,
  container: JobContainer,
  options: { engine: Engine; network: string; signal: AbortSignal },
): Promise<RunningService> {
  const { engine, network, signal } = options;
  await container.start(signal);
  const found = await engine.inspectContainer(await container.create(signal), { signal });
  const addresses = found === "not-found" ? {} : found.addresses;
  return { plan, container, image, address: addresses[network || "bridge"] ?? "" };
}

/** Waits for a TCP port of a service to answer, from inside the job's network. */
export type ProbePorts = (
  address: string,
  ports: readonly number[],
  options: { signal: AbortSignal },
) => Promise<void>;

export interface ServiceWait {
  readonly engine: Engine;
  readonly log: JobLog;
  readonly output: OutputSink;
  readonly timeoutMs: number;
  readonly probe: ProbePorts;
}

/** Waits for all of them at once. One that does not come up is a warning; the job goes on. */
export async function waitForServices(
  services: readonly RunningService[],
  wait: ServiceWait,
  options: { signal: AbortSignal },
): Promise<void> {
  const { engine, log, timeoutMs, probe } = wait;
  const seconds = Math.round(timeoutMs / 1000);
  log.print(`Waiting for services to be up and running (timeout ${seconds} seconds)...`);
  const failures = await Promise.all(services.map(async (service) => {
    using limit = deadline(
      timeoutMs,
      () => new Error(`service "${service.plan.name}" timeout`),
      options.signal,
    );
    try {
      await waitForService(service, engine, probe, limit.signal);
      return undefined;
    } catch (error) {
      options.signal.throwIfAborted();
      return { service, error: limit.signal.aborted ? limit.signal.reason : error };
    }
  }));
  for (const failure of failures) {
    if (failure !== undefined) await tell(failure.service, failure.error, wait, options.signal);
  }
}

/** Between two looks at a container that says itself how it is. */
const HEALTH_PAUSE_MS = 250;

async function waitForService(
  service: RunningService,
  engine: Engine,
  probe: ProbePorts,
  signal: AbortSignal,
): Promise<void> {
  const { plan, image, address, container } = service;
  if (image.hasHealthcheck) {
    for (;;) {
      const id = await container.create(signal);
      const found = await engine.inspectContainer(id, { signal });
      if (found === "not-found" || found.state !== "running") {
        throw new Error(`service "${plan.name}" has ended`);
      }
      if (found.health === "healthy") return;
      if (found.health === "unhealthy") throw new Error(`service "${plan.name}" is unhealthy`);
      await delay(HEALTH_PAUSE_MS, { signal });
    }
  }
  const ports = portsOf(service);
  if (ports.length === 0) throw new Error(`service "${plan.name}" has no exposed ports`);
  if (address === "") return;
  await probe(address, ports, { signal });
}

/** As GitLab Runner: the lowest ones, in case an image exposes a whole range. */
const MOST_PORTS = 20;

function portsOf({ plan, image }: RunningService): readonly number[] {
  if (plan.healthcheckPort !== undefined) return [plan.healthcheckPort];
  const exposed = image.exposedPorts.filter((each) => !each.endsWith("/udp"))
    .map((each) => Number.parseInt(each, 10));
  return [...new Set([...exposed, ...plan.ports])].sort((a, b) => a - b).slice(0, MOST_PORTS);
}

async function tell(
  { plan, container }: RunningService,
  error: unknown,
  { engine, output }: ServiceWait,
  signal: AbortSignal,
): Promise<void> {
  const say = (text: string) => output.write(new TextEncoder().encode(text));
  await say(
    `\n\x1b[0;33m*** WARNING:\x1b[0;m Service ${plan.name} probably didn't start properly.\n\n` +
      `Health check error:\n${messageOf(error)}\n\nService container logs:\n`,
  );
  try {
    const id = await container.create(signal);
    await engine.containerLogs(id, { output, follow: false, signal });
  } catch (cause) {
    await say(`${messageOf(cause)}\n`);
  }
  await say("\n\x1b[0;33m*********\x1b[0;m\n\n");
}
