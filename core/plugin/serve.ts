/** The plugin's side: any executor provider, served over a connection until the host has gone. */

import { JobConfigurationError, RunnerError } from "../errors.ts";
import type {
  Executor,
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
} from "../executor.ts";
import { Peer } from "../rpc/peer.ts";
import type { Transport } from "../rpc/transport.ts";
import { pluginCodec } from "./codec.ts";
import {
  HOST_METHODS,
  HOST_NOTICES,
  type InitializeParams,
  type InitializeResult,
  PLUGIN_NOTICES,
  PROTOCOL_VERSION,
} from "./protocol.ts";
import { PluginLogger } from "./plugin_logger.ts";
import { ServedExecutor } from "./served_executor.ts";
import { decodeCommand, decodeJob, decodeResult } from "./wire.ts";
import type { RunnerConfig } from "../config/schema.ts";

/** An executor provider as a plugin. */
export interface Plugin {
  readonly name: string;
  readonly version: string;
  /**
   * Called once, with what the host says of itself and of the runner entry. Throws
   * ConfigurationError when the entry's settings are wrong.
   */
  open(params: InitializeParams): OpenPlugin | Promise<OpenPlugin>;
}

/** A plugin that knows its runner entry. Disposing it ends what it keeps warm. */
export interface OpenPlugin extends AsyncDisposable {
  readonly info: ExecutorInfo;
  /** How long it lets processes take to end after SIGTERM; at most an hour. Milliseconds. */
  readonly graceMs: number;
  /** How long it may take to clean up after a job; two minutes when left out, at most a day. Milliseconds. */
  readonly cleanupMs?: number;
  /** Its executors have `putFile`. */
  readonly takesFiles?: boolean;
  /** Room for one job; undefined: no capacity now. Concurrent calls are safe. */
  acquire(options: { host: ExecutorHost; signal: AbortSignal }): Promise<Executor | undefined>;
  /** Ends what is left of a job whose host died. Idempotent. */
  reap?(note: ExecutorNote, options: { host: ExecutorHost; signal: AbortSignal }): Promise<void>;
}

/** A provider of this program as an open plugin. */
export function openProvider(
  provider: ExecutorProvider,
  config: RunnerConfig,
  options: { graceMs: number; cleanupMs?: number },
): OpenPlugin {
  const { reap } = provider;
  return {
    ...options,
    info: provider.info(config),
    acquire: (given) => provider.acquire(config, given),
    ...(reap && { reap: (note, given) => reap.call(provider, note, { ...given, config }) }),
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}

const CLEANUP_MS = 120_000;

interface Session {
  readonly plugin: OpenPlugin;
  readonly executors: Map<string, ServedExecutor>;
  readonly params: InitializeParams;
}

/** Resolves when the host has closed the connection and all jobs are gone. */
export async function servePlugin(plugin: Plugin, transport: Transport): Promise<void> {
  let session: Session | undefined;
  const peer = new Peer(transport, pluginCodec(() => session?.plugin.graceMs ?? 0));
  const logger = new PluginLogger((level, message) =>
    peer.notify(PLUGIN_NOTICES.runnerLog, { level, message })
  );
  peer.handle(HOST_METHODS.initialize, async (params): Promise<InitializeResult> => {
    if (session !== undefined) throw new RunnerError("It was initialized before");
    if (!params.protocol_versions.includes(PROTOCOL_VERSION)) {
      throw new RunnerError(
        `The plugin speaks version ${PROTOCOL_VERSION} of the protocol, ` +
          `the host ${params.protocol_versions.join(", ")}`,
      );
    }
    session = { plugin: await plugin.open(params), executors: new Map(), params };
    const { info: { features, defaultShell }, takesFiles, reap, ...limits } = session.plugin;
    return {
      protocol_version: PROTOCOL_VERSION,
      plugin: { name: plugin.name, version: plugin.version },
      features: { ...features, reap: reap !== undefined, files: takesFiles ?? false },
      default_shell: defaultShell,
      grace_ms: limits.graceMs,
      cleanup_ms: limits.cleanupMs ?? CLEANUP_MS,
    };
  });
  const current = () => {
    if (session === undefined) throw new RunnerError('"initialize" has to come first');
    return session;
  };
  const host = ({ params }: Session) => ({
    logger,
    systemId: params.host.system_id,
    stateDir: params.state_dir,
  });
  const executorOf = (handle: string) => {
    const executor = current().executors.get(handle);
    if (executor === undefined) throw new RunnerError(`There is no handle "${handle}"`);
    return executor;
  };
  peer.handle(HOST_METHODS.acquire, async (_params, { signal }) => {
    const now = current();
    const executor = await now.plugin.acquire({ host: host(now), signal });
    if (executor === undefined) return { kind: "no-capacity" as const };
    const handle = crypto.randomUUID();
    now.executors.set(
      handle,
      new ServedExecutor(executor, {
        handle,
        peer,
        windowBytes: now.params.output_window_bytes,
      }),
    );
    return { kind: "acquired" as const, handle };
  });
  peer.handle(
    HOST_METHODS.prepare,
    async (params, options) => await executorOf(params.handle).prepare(specOf(params), options),
  );
  peer.handle(
    HOST_METHODS.run,
    async (params, options) => await executorOf(params.handle).run(decodeCommand(params), options),
  );
  peer.handle(HOST_METHODS.terminal, async ({ columns, rows, ...command }, options) => {
    const executor = executorOf(command.handle);
    return await executor.runTerminal(decodeCommand(command), { columns, rows }, options);
  });
  peer.handle(
    HOST_METHODS.putFile,
    async (params, options) => await executorOf(params.handle).putFile(params, options),
  );
  peer.handle(HOST_METHODS.finish, async ({ handle, result }) => {
    await executorOf(handle).finish(decodeResult(result));
    return {};
  });
  peer.handle(HOST_METHODS.cleanup, async ({ handle }) => {
    await current().executors.get(handle)?.[Symbol.asyncDispose]();
    current().executors.delete(handle);
    return {};
  });
  peer.handle(HOST_METHODS.reap, async ({ note }, { signal }) => {
    const now = current();
    await now.plugin.reap?.(note, { host: host(now), signal });
    return {};
  });
  peer.handle(HOST_METHODS.shutdown, () => ({}));
  peer.on(HOST_NOTICES.credit, ({ handle, bytes }) => {
    session?.executors.get(handle)?.credit(bytes);
  });
  const terminalOf = (handle: string) => session?.executors.get(handle)?.terminal;
  peer.on(HOST_NOTICES.terminalInput, ({ handle, data }) => {
    terminalOf(handle)?.channel.receive(data);
  });
  peer.on(HOST_NOTICES.terminalCredit, ({ handle, bytes }) => {
    terminalOf(handle)?.channel.give(bytes);
  });
  peer.on(HOST_NOTICES.terminalResize, ({ handle, ...size }) => terminalOf(handle)?.resize(size));
  try {
    await peer.run();
  } finally {
    await endSession(session);
  }
}

function specOf(params: Parameters<typeof decodeJob>[0]) {
  try {
    return decodeJob(params);
  } catch (cause) {
    throw new JobConfigurationError("The job cannot be read", { cause });
  }
}

async function endSession(session: Session | undefined): Promise<void> {
  if (session === undefined) return;
  const { executors, plugin } = session;
  for (const each of executors.values()) each.disconnect();
  await Promise.allSettled([...executors.values()].map((each) => each[Symbol.asyncDispose]()));
  await plugin[Symbol.asyncDispose]();
}
