/** One connection to an SSH server, and the programs that run over it. */

import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from "ssh2";
import { messageOf, SystemFailure } from "../errors.ts";
import { abortable, DeadlineExceeded } from "../util/abort.ts";
import { allowCertificates, CertifiedExchange } from "./certified_exchange.ts";
import { EXPIRED_PASSWORD, loginWays, type SshCredentials } from "./credentials.ts";
import { type HostTrust, hostVerifier } from "./host_verifier.ts";
import { Login } from "./login.ts";
import { noCommonAlgorithm } from "./no_common_algorithm.ts";
import { type ProcessSinks, SshProcess } from "./process.ts";
import { SshRefusal } from "./refusal.ts";
import { SshSocket } from "./socket.ts";

export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly trust: HostTrust;
  readonly credentials: SshCredentials;
  /** How often to try to reach it; more often where it has just been started. */
  readonly tries: number;
}

/** The server has no room for one more program on this connection, or will not run any. */
export class ChannelRefused extends SystemFailure {}

/** Until both sides have agreed on keys. A server that takes longer does not work. */
const HANDSHAKE_MS = 10_000;

/** Until the login. A server may ask others about the client's name and the user, and some are slow. */
const LOGIN_MS = 60_000;

/** A server that leaves three of these unanswered is gone: noticed within 8 seconds. */
const KEEP_ALIVE_MS = 2000;
const KEEP_ALIVES = 3;

export class SshConnection implements AsyncDisposable {
  readonly #client: Client;
  readonly #name: string;
  #fault: Error | undefined;
  #isOpen = true;

  /** Connects, checks the server's key and logs in. Throws SystemFailure. */
  static async open(
    target: SshTarget,
    options: { signal: AbortSignal },
  ): Promise<SshConnection> {
    const { signal } = options;
    const { host, port, user } = target;
    const name = `${user}@${host}:${port}`;
    const verifier = await hostVerifier(target.trust, target);
    const login = new Login(user, await loginWays(user, target.credentials, options));
    const { default: ssh } = await import("ssh2");
    await allowCertificates();
    signal.throwIfAborted();
    const client = new ssh.Client();
    const exchange = new CertifiedExchange();
    const socket = new SshSocket({ host, port });
    let refusal: string | undefined;
    const config: ConnectConfig = {
      sock: socket.socket,
      username: user,
      readyTimeout: 0,
      keepaliveInterval: KEEP_ALIVE_MS,
      keepaliveCountMax: KEEP_ALIVES,
      algorithms: { serverHostKey: [...verifier.algorithms] as ServerHostKeyAlgorithm[] },
      hostVerifier: (shown: Buffer) => {
        const judgement = verifier.judge(shown);
        if (judgement.kind === "refused") {
          refusal = judgement.why;
          return false;
        }
        if (judgement.isCertified) exchange.goOnWith(judgement.key);
        return true;
      },
      authHandler: login.next,
    };
    const connection = new SshConnection(client, name);
    try {
      await abortable(connection.#ready(config, exchange), signal);
      return connection;
    } catch (cause) {
      socket.socket.destroy();
      if (signal.aborted) throw signal.reason;
      const final = refusal ?? loginRefusal(cause, login) ??
        await noCommonAlgorithm(messageOf(cause));
      if (final !== undefined) {
        throw new SshRefusal(`Cannot connect to "${name}": ${final}`, { cause });
      }
      const stranger = cause instanceof DeadlineExceeded ? undefined : socket.stranger;
      const why = stranger ?? messageOf(cause);
      throw new SystemFailure(`Cannot connect to "${name}": ${why}`, { cause });
    }
  }

  private constructor(client: Client, name: string) {
    this.#client = client;
    this.#name = name;
    client.on("error", (error) => {
      this.#fault ??= error;
    });
    client.on("close", () => {
      this.#isOpen = false;
    });
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#fault === undefined;
  }

  /** Starts a program: `command` is text for the login shell of the user. Throws SystemFailure. */
  async start(
    command: string,
    sinks: ProcessSinks,
    options: { signal: AbortSignal },
  ): Promise<SshProcess> {
    const { promise, resolve, reject } = Promise.withResolvers<SshProcess>();
    try {
      // The program's end may be in the packet that follows: nothing may be awaited before listening.
      this.#client.exec(command, (error, channel) => {
        if (error) reject(error);
        else resolve(new SshProcess(channel, sinks, () => this.lost()));
      });
      return await abortable(promise, options.signal);
    } catch (cause) {
      // A program that starts after all is of no use to anybody.
      promise.then((process) => process.abandon(cause), () => {});
      if (options.signal.aborted) throw options.signal.reason;
      // ssh2 knows before the connection is closed that it is about to be.
      if (messageOf(cause) === "Not connected") this.#isOpen = false;
      if (!this.isOpen) throw this.lost();
      const message = `"${this.#name}" does not run commands: ${messageOf(cause)}`;
      // Of all refusals, that of a channel alone has a reason code.
      const isRefusal = cause instanceof Error && "reason" in cause;
      throw new (isRefusal ? ChannelRefused : SystemFailure)(message, { cause });
    }
  }

  /** What to throw when something ended because the connection did. */
  lost(): SystemFailure {
    const cause = this.#fault;
    const why = cause === undefined ? "the server closed it" : messageOf(cause);
    return new SystemFailure(`Lost the SSH connection to "${this.#name}": ${why}`, { cause });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isOpen) this.#client.end();
    this.#client.destroy();
  }

  async #ready(config: ConnectConfig, exchange: CertifiedExchange): Promise<void> {
    const client = this.#client;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const within = (ms: number, what: string) =>
      setTimeout(() => reject(new DeadlineExceeded(what, ms)), ms);
    let limit = within(HANDSHAKE_MS, "The exchange of keys");
    let closed = "the server closed the connection";
    client.once("handshake", () => {
      closed +=
        " during the login. Its own log says why: it may be full, or not take this account, " +
        "which is locked, has expired or is not among those that it allows";
      clearTimeout(limit);
      limit = within(LOGIN_MS, "The login");
    });
    client.once("ready", resolve);
    client.once("error", reject);
    client.once("close", () => reject(new Error(closed)));
    client.once("change password", () => reject(new ExpiredPassword()));
    client.connect(config);
    exchange.watch(client);
    try {
      await promise;
    } finally {
      clearTimeout(limit);
    }
  }
}

class ExpiredPassword extends Error {}

/** Undefined: it had nothing to do with the login, and may go away. */
function loginRefusal(cause: unknown, login: Login): string | undefined {
  if (cause instanceof ExpiredPassword) {
    return EXPIRED_PASSWORD;
  }
  const level = cause instanceof Error && "level" in cause ? cause.level : undefined;
  const isEnough = /too many authentication failures/i.test(messageOf(cause));
  return level === "client-authentication" || isEnough ? login.refusal() : undefined;
}
