/** The services of a job: started before its own containers, told of when they do not come up. */

import { JobConfigurationError, messageOf, RunnerError } from "../../core/errors.ts";
import type { JobLog, OutputSink } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import { deadline, delay } from "../../core/util/abort.ts";
import { backoff } from "../../core/util/retry.ts";
import { JobContainer } from "./container.ts";
import { addressIn, isBorrowed, networkOf, sharedBasics } from "./container_basics.ts";
import { valueIn } from "./container_environment.ts";
import { serviceContainerSpec } from "./container_spec.ts";
import {
  type ContainerDetails,
  type Engine,
  EngineError,
  type ImageDetails,
  type Labels,
} from "./engine/mod.ts";
import type { WantedImage } from "./ensure_image.ts";
import { staysPrivileged } from "./images/mod.ts";
import type { JobFacts } from "./job_facts.ts";
import { isListening } from "./listening.ts";
import { writeLogBeginning } from "./log_beginning.ts";
import { containerLabels, REAPER_LABELS, serviceLabels, serviceName, typeLabel } from "./names.ts";
import type { VolumeOpener } from "./open_volumes.ts";
import { ServiceLog } from "./service_log.ts";
import type { ServicePlan } from "./service_plan.ts";
import { ServiceWatch } from "./service_watch.ts";

export interface JobServicesOptions {
  readonly engine: Engine;
  readonly facts: JobFacts;
  readonly log: JobLog;
  readonly output: OutputSink;
  readonly logger: Logger;
  readonly plans: readonly ServicePlan[];
  readonly ensure: (wanted: WantedImage) => Promise<ImageDetails>;
  readonly volumes: VolumeOpener;
}

/** Waits for a TCP port of a service to answer, from inside the job's network. */
export type ProbePorts = (
  address: string,
  ports: readonly number[],
  options: { told: OutputSink; signal: AbortSignal },
) => Promise<void>;

interface RunningService {
  readonly plan: ServicePlan;
  readonly id: string;
  /** Where the job's containers reach it; empty where they cannot. */
  readonly address: string;
  /** Of which one has to answer. */
  readonly ports: readonly number[];
  /** Whether its image's HEALTHCHECK says that it is up, and not its ports. */
  readonly hasHealthcheck: boolean;
}

/** A service that does not come up is a warning; the job goes on. */
export class JobServices implements AsyncDisposable {
  readonly #options: JobServicesOptions;
  readonly #containers: JobContainer[] = [];
  readonly #watch: ServiceWatch;
  readonly #following = new AbortController();
  readonly #logs: Promise<void>[] = [];
  #running: readonly RunningService[] = [];

  constructor(options: JobServicesOptions) {
    this.#options = options;
    const { engine, facts, log, logger } = options;
    const labels = { [REAPER_LABELS.jobKey]: facts.key, ...typeLabel("service") };
    this.#watch = new ServiceWatch({ engine, labels, log, logger });
  }

  /** Lines for `/etc/hosts`, where the network has no names of its own. */
  get hosts(): readonly string[] {
    const { facts } = this.#options;
    // In another container's network that container's hosts file is used.
    if (facts.network !== undefined || networkOf(facts).startsWith("container:")) return [];
    return this.#running.flatMap(({ plan, id, address }) =>
      address === "" ? [] : [...plan.aliases, shortId(id)].map((name) => `${name}:${address}`)
    );
  }

  /** Starts all of them at once. */
  async start(signal: AbortSignal): Promise<void> {
    const starting = this.#options.plans.map((plan) => this.#start(plan, signal));
    this.#running = await Promise.all(starting);
  }

  /** Waits for all of them at once, and from then on tells of those that end. */
  async wait(probe: ProbePorts, options: { signal: AbortSignal }): Promise<void> {
    const { facts: { docker }, log } = this.#options;
    const { signal } = options;
    const seconds = docker.wait_for_services_timeout;
    const failures: (WaitFailure | undefined)[] = [];
    if (seconds >= 0) {
      log.print(`Waiting for services to be up and running (timeout ${seconds} seconds)...`);
      const waits = this.#running.map((each) => this.#wait(each, probe, seconds * 1000, signal));
      failures.push(...await Promise.all(waits));
    }
    for (const failure of failures) if (failure !== undefined) await this.#tell(failure, signal);
    const gone = failures.flatMap((failure) => failure?.hasEnded ? [failure.service] : []);
    for (const service of this.#running) {
      if (!gone.includes(service)) this.#watch.tellEnd(service.id, nameOf(service));
    }
  }

  /** Gives up what runs in them. Resolves when it is sure whether the engine has them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#following.abort(new RunnerError("the job's services are being removed"));
    await this.#watch[Symbol.asyncDispose]();
    await Promise.all(this.#logs);
    await Promise.all(this.#containers.map((container) => container.abandon()));
  }

  async #start(plan: ServicePlan, signal: AbortSignal): Promise<RunningService> {
    const { engine, facts, log, ensure, volumes } = this.#options;
    const { service, version } = serviceName(plan.image);
    log.print(`Starting service ${service}${version.startsWith("@") ? "" : ":"}${version}...`);
    const image = await ensure({ ...plan, purpose: "service" });
    const port = chosenPort(plan, image);
    const container = this.#makeContainer(plan, image);
    this.#containers.push(container);
    const id = await container.create(signal);
    await volumes.open(id, { signal });
    await container.start(signal);
    if (facts.settings.debugServices) this.#logs.push(this.#follow(plan, id));
    const found = await engine.inspectContainer(id, { signal });
    return {
      plan,
      id,
      address: addressIn(networkOf(facts), found),
      ports: port === undefined ? portsOf(plan, image) : [port],
      hasHealthcheck: image.hasHealthcheck && port === undefined,
    };
  }

  #makeContainer(plan: ServicePlan, image: ImageDetails): JobContainer {
    const { engine, facts, logger } = this.#options;
    const { docker } = facts;
    const isPrivileged = docker.services_privileged ?? docker.privileged;
    const spec = serviceContainerSpec({
      ...sharedBasics(facts, docker.services_security_opt),
      image: image.id,
      labels: { ...facts.labels, ...serviceLabels(plan.image, this.#customLabels()) },
      env: plan.env,
      mounts: facts.volumes.mounts,
      aliases: plan.aliases,
      entrypoint: plan.entrypoint,
      command: plan.command,
      user: plan.user,
      privileged: isPrivileged && staysPrivileged(plan.image, docker.allowed_privileged_services),
      devices: plan.devices,
    });
    return new JobContainer({
      engine,
      logger,
      name: plan.name,
      spec,
      platform: plan.platform,
      mode: "kept",
      sharesProcesses: false,
    });
  }

  #customLabels(): Labels {
    const { runner, variables } = this.#options.facts;
    return containerLabels(runner, (text) => variables.expand(text));
  }

  /** Copies a service's log into the job's for as long as both run. */
  async #follow(plan: ServicePlan, id: string): Promise<void> {
    const { engine, output, log } = this.#options;
    const { signal } = this.#following;
    const lines = new ServiceLog(plan.aliases, output);
    try {
      await engine.containerLogs(id, { output: lines, follow: true, timestamps: true, signal });
      await lines.end();
    } catch (error) {
      if (!signal.aborted) log.warning(`Cannot read the log of ${plan.image}: ${messageOf(error)}`);
    }
  }

  async #wait(
    service: RunningService,
    probe: ProbePorts,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<WaitFailure | undefined> {
    const { name } = service.plan;
    const [limitMs, late] = isUnasked(service)
      ? [Math.min(timeoutMs, UNASKED_MS), `service "${name}" has no exposed ports`]
      : [timeoutMs, timeoutOf(name)];
    using limit = deadline(limitMs, () => new RunnerError(late), signal);
    const told: Uint8Array[] = [];
    let hasEnded = false;
    const note = (found: ContainerDetails) => {
      hasEnded = found.state === "exited" || found.state === "dead";
      if (hasEnded) throw new RunnerError(endOf(name, found));
      return found.health;
    };
    try {
      await this.#comesUp(service, note, (address, ports) =>
        probe(address, ports, {
          told: { write: (bytes) => void told.push(bytes.slice()) },
          signal: limit.signal,
        }), limit.signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      // That is no fault of the service's.
      if (error instanceof EngineError && error.kind === "unreachable") throw error;
      const why = messageOf(limit.signal.aborted ? limit.signal.reason : error);
      return { service, why, hasEnded, told: Buffer.concat(told).toString().trim() };
    } finally {
      limit.abort(new RunnerError("the service is not waited for any more"));
    }
  }

  async #comesUp(
    service: RunningService,
    note: (found: ContainerDetails) => ContainerDetails["health"],
    probe: (address: string, ports: readonly number[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { plan, ports, id, address } = service;
    if (service.hasHealthcheck) {
      return await this.#watch.until(id, (found) => {
        const health = note(found);
        if (health === "unhealthy") throw new RunnerError(`service "${plan.name}" is unhealthy`);
        return health === "healthy";
      }, { signal });
    }
    const ends = (found: ContainerDetails) => note(found) === undefined;
    const end = () => this.#watch.until(id, ends, { signal });
    if (isUnasked(service)) return await Promise.race([this.#listens(id, signal), end()]);
    // Without an address all that can be told is whether it runs at all.
    if (address === "") return await this.#watch.until(id, (found) => !ends(found), { signal });
    await Promise.race([probe(address, ports), end()]);
  }

  /** Resolves when it waits for connections; it may do so on any port. */
  async #listens(id: string, signal: AbortSignal): Promise<void> {
    const { engine, facts } = this.#options;
    const isOwn = !isBorrowed(networkOf(facts));
    for (let attempt = 0;; attempt++) {
      const answer = isOwn ? await isListening(id, { engine, signal }) : undefined;
      if (answer) return;
      // Nobody can tell, so it has all of its time.
      await delay(answer === undefined ? UNASKED_MS : backoff(attempt, LOOK_AGAIN), { signal });
    }
  }

  async #tell({ service, why, told }: WaitFailure, signal: AbortSignal): Promise<void> {
    const { engine, output } = this.#options;
    const say = (text: string) => output.write(new TextEncoder().encode(text));
    const { name } = service.plan;
    await say(
      `\n\x1b[0;33m*** WARNING:\x1b[0;m Service ${name} probably didn't start properly.\n\n` +
        `Health check error:\n${why}\n` +
        (told === "" ? "" : `\nHealth check container logs:\n${told}\n`) +
        "\nService container logs:\n",
    );
    await writeLogBeginning(service.id, output, { engine, signal });
    await say("\n\x1b[0;33m*********\x1b[0;m\n\n");
  }
}

/** As GitLab Runner: how long a service without ports to ask may take to come up. */
const UNASKED_MS = 10_000;

const LOOK_AGAIN = { minMs: 50, maxMs: 1000 };

function isUnasked({ ports, hasHealthcheck }: RunningService): boolean {
  return ports.length === 0 && !hasHealthcheck;
}

/** What the container takes itself for: its own host name. */
function shortId(id: string): string {
  return id.slice(0, 12);
}

interface WaitFailure {
  readonly service: RunningService;
  readonly why: string;
  readonly hasEnded: boolean;
  /** What the health check printed. */
  readonly told: string;
}

/** In GitLab Runner's words, whose check is a container of this name. */
function timeoutOf(name: string): string {
  return `service "${name}-wait-for-service" timeout`;
}

function endOf(name: string, { oomKilled, exitCode }: ContainerDetails): string {
  if (oomKilled) return `service "${name}" was killed because it ran out of memory`;
  return `service "${name}" has ended with exit code ${exitCode}`;
}

/** As the job's log names it: by what its author wrote. */
function nameOf({ plan }: RunningService): string {
  return `${plan.image} (${plan.aliases.join(", ")})`;
}

/** As GitLab Runner: the lowest ones, in case an image exposes a whole range. */
const MOST_PORTS = 20;

function portsOf(plan: ServicePlan, image: ImageDetails): readonly number[] {
  const exposed = image.exposedPorts.filter((each) => !each.endsWith("/udp"))
    .map((each) => Number.parseInt(each, 10));
  return [...new Set([...exposed, ...plan.ports])].sort((a, b) => a - b).slice(0, MOST_PORTS);
}

/** The one port that `HEALTHCHECK_TCP_PORT` names. Throws JobConfigurationError for what is none. */
function chosenPort(plan: ServicePlan, image: ImageDetails): number | undefined {
  const text = valueIn([...image.env, ...plan.env], "HEALTHCHECK_TCP_PORT");
  if (text === undefined || text === "") return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw new JobConfigurationError(
    `HEALTHCHECK_TCP_PORT of service ${plan.image} is "${text}", which is no TCP port`,
  );
}
