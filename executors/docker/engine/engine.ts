/**
 * Contract of the Docker Engine client: what the executor asks of an engine, in its own words. Calls
 * about an object that does not exist answer `not-found` where the caller has a plan for that, and
 * throw EngineError otherwise. Every call rejects with the signal's reason when that aborts.
 */

import type { OutputSink, Terminal, TerminalOptions } from "../../../core/executor.ts";

/** What the engine's answer to a failed call was. Its message is the engine's own words. */
export type EngineErrorKind =
  | "not-found"
  | "conflict"
  | "denied"
  | "bad-request"
  | "server"
  | "unreachable";

/** Labels of everything the runner makes; the reaper finds its own by them. */
export type Labels = Readonly<Record<string, string>>;

/** Facts of the engine, asked once per connection. */
export interface EngineInfo {
  readonly version: string;
  /** The API version both sides speak, `1.25` or later. */
  readonly apiVersion: string;
  readonly os: string;
  /** As Docker names it: `x86_64`, `aarch64`. */
  readonly architecture: string;
  readonly name: string;
  readonly memoryBytes: number;
}

export interface ImageDetails {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly os: string;
  readonly architecture: string;
  /** Configured entrypoint; empty when there is none. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  readonly env: readonly string[];
  /** `5432/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly hasHealthcheck: boolean;
  readonly labels: Labels;
}

/** Body of `POST /containers/create` as the engine defines it; built by pure code. */
export type ContainerSpec = Readonly<Record<string, unknown>>;

export interface ContainerDetails {
  readonly id: string;
  readonly name: string;
  readonly state: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
  /** When it was last started, in the engine's words. */
  readonly startedAt: string;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  readonly labels: Labels;
  /** Address per network name. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly mounts: readonly { readonly name: string; readonly destination: string }[];
}

/** How a container or an exec ended. */
export interface ProcessEnd {
  readonly exitCode: number;
  /** Docker's own message when the process could not be run. */
  readonly error: string | undefined;
}

/**
 * An open, hijacked connection to a container's or an exec's streams. Output goes to the sink with
 * backpressure; `ended` settles when the other side has closed and all output has been taken.
 */
export interface AttachedStreams extends AsyncDisposable {
  /** Sends bytes to its standard input, waiting while the engine takes none. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes its standard input; output goes on. */
  closeInput(): void;
  readonly ended: Promise<void>;
}

export interface ExecRequest {
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  /** The script or other input; sent and then closed. Undefined: no standard input. */
  readonly input?: Uint8Array;
}

/** One step of a pull, for progress lines: layer id, what happens, bytes so far and in all. */
export interface PullProgress {
  readonly id: string;
  readonly status: string;
  readonly current: number;
  readonly total: number;
}

/** Credentials of one registry, as `X-Registry-Auth` wants them. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}

export interface EngineEvent {
  readonly type: string;
  readonly action: string;
  /** Id of the object the event is about. */
  readonly id: string;
  readonly attributes: Labels;
}

export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  /** The engine's word: `created`, `running`, `exited`… */
  readonly state: string;
  /** Milliseconds since 1970, in whole seconds; NaN where the engine does not say. */
  readonly createdAtMs: number;
}

export interface ListedVolume {
  readonly name: string;
  readonly labels: Labels;
  /** Milliseconds since 1970; NaN where the engine does not say. */
  readonly createdAtMs: number;
}

interface Abortable {
  readonly signal: AbortSignal;
}

export interface ExecOptions extends Abortable {
  readonly output: OutputSink;
  /** Called when the engine has taken the process: it may have done anything from then on. */
  readonly onStart?: () => void;
}

export interface Engine extends AsyncDisposable {
  /** Resolves when the engine answers. */
  ping(its: Abortable): Promise<void>;
  info(its: Abortable): Promise<EngineInfo>;

  inspectImage(reference: string, its: Abortable): Promise<ImageDetails | "not-found">;
  /** Throws EngineError in the registry's words when the image cannot be pulled. */
  pullImage(
    reference: string,
    options: Abortable & {
      readonly auth?: RegistryAuth;
      readonly platform?: string;
      onProgress?(progress: PullProgress): void;
    },
  ): Promise<void>;
  /** Loads an image archive (`docker save`) or imports a root file system. */
  importImage(reference: string, tar: AsyncIterable<Uint8Array>, its: Abortable): Promise<string>;

  /** The image as an archive (`docker save`). */
  exportImage(reference: string, its: Abortable): AsyncIterable<Uint8Array>;
  /** Names the state of a container as an image; `changes` as in a Dockerfile. Its id. */
  commitContainer(
    id: string,
    reference: string,
    options: Abortable & { readonly changes: readonly string[] },
  ): Promise<string>;

  /** With all its names, and no image that it was made of; not there is fine, in use throws `conflict`. */
  removeImage(id: string, its: Abortable): Promise<void>;

  /** Resolves with the container's id. */
  createContainer(
    name: string,
    spec: ContainerSpec,
    options: Abortable & { readonly platform?: string },
  ): Promise<string>;
  startContainer(id: string, its: Abortable): Promise<void>;
  /** Before its start, so that nothing is lost. It has no terminal. */
  attachContainer(
    id: string,
    options: Abortable & { readonly output: OutputSink; readonly stdin: boolean },
  ): Promise<AttachedStreams>;
  /** Resolves when the container is not running any more. */
  waitContainer(id: string, its: Abortable): Promise<ProcessEnd>;
  inspectContainer(id: string, its: Abortable): Promise<ContainerDetails | "not-found">;
  listContainers(
    filter: { readonly labels: Labels; readonly all: boolean },
    its: Abortable,
  ): Promise<readonly ListedContainer[]>;
  /** Not there or not running is fine. */
  killContainer(id: string, signalName: string, its: Abortable): Promise<void>;
  stopContainer(id: string, timeoutSeconds: number, its: Abortable): Promise<void>;
  /** With its anonymous volumes, by force; not there is fine. */
  removeContainer(id: string, its: Abortable): Promise<void>;
  /** Resolves when nothing of it is there any more. */
  waitRemoved(id: string, its: Abortable): Promise<void>;
  /** Standard output and error so far and, with `follow`, from now on. It has no terminal. */
  containerLogs(
    id: string,
    options: Abortable & {
      readonly output: OutputSink;
      readonly follow: boolean;
      /** Each line begins with when it was printed. */
      readonly timestamps?: boolean;
    },
  ): Promise<void>;
  /** Whether `path` is there, in the image or in a volume; the container need not run. */
  hasFile(id: string, path: string, its: Abortable): Promise<boolean>;
  /** The nine permission bits of what is at `path`. */
  permissions(id: string, path: string, its: Abortable): Promise<number>;
  ownerOf(id: string, path: string, its: Abortable): Promise<{ uid: number; gid: number }>;
  /** Unpacks a tar below `path` in the container's file system. */
  putArchive(
    id: string,
    path: string,
    tar: AsyncIterable<Uint8Array>,
    its: Abortable,
  ): Promise<void>;

  /** Runs a process in a running container to its end, with its output in order per stream. */
  exec(
    containerId: string,
    request: ExecRequest,
    options: ExecOptions,
  ): Promise<ProcessEnd>;

  /** Starts a process on a terminal. It outlives an abort, and ends with its container. */
  openTerminal(
    containerId: string,
    argv: readonly string[],
    options: TerminalOptions,
  ): Promise<Terminal>;

  /**
   * One of that name that is there already is as good. Resolves with the engine's words for when it
   * was made, which are others when it was made anew or its contents have changed; empty where it has
   * none.
   */
  createVolume(
    name: string,
    options: Abortable & {
      readonly labels: Labels;
      readonly driver?: string;
      readonly driverOptions?: Readonly<Record<string, string>>;
    },
  ): Promise<string>;
  listVolumes(labels: Labels, its: Abortable): Promise<readonly ListedVolume[]>;
  /** Not there is fine; in use throws `conflict`. */
  removeVolume(name: string, its: Abortable): Promise<void>;

  createNetwork(
    name: string,
    options: Abortable & {
      readonly labels: Labels;
      readonly ipv6: boolean;
      readonly mtu?: number;
    },
  ): Promise<string>;
  connectNetwork(
    network: string,
    container: string,
    options: Abortable & { readonly aliases: readonly string[] },
  ): Promise<void>;
  listNetworks(labels: Labels, its: Abortable): Promise<readonly { id: string; labels: Labels }[]>;
  /** Ids of what runs in it; none when it is not there. */
  networkContainers(id: string, its: Abortable): Promise<readonly string[]>;
  /** Not there is fine. */
  removeNetwork(id: string, its: Abortable): Promise<void>;

  /** Events from now on, until `signal` aborts or the engine goes. */
  events(
    filter: { readonly types: readonly string[]; readonly labels: Labels },
    its: Abortable,
  ): AsyncIterable<EngineEvent>;
}
