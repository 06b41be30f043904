/** Connections to one engine: opened when they are needed, and kept for the next call where that pays. */

import { RunnerError } from "../../../core/errors.ts";
import { Connection } from "./connection.ts";
import type { Dial } from "./dialer.ts";
import { EngineError } from "./engine_error.ts";

export interface ConnectionPoolOptions {
  readonly dial: Dial;
  readonly address: string;
  /** How many idle ones are kept; none where opening one costs nothing. */
  readonly mostIdle: number;
}

/** Calls of a job come in bursts; an engine that closes idle connections waits longer. */
const LONGEST_IDLE_MS = 10_000;

export class ConnectionPool implements Disposable {
  readonly #options: ConnectionPoolOptions;
  readonly #open = new Set<Connection>();
  /** With what ends them, the one that was used last at the end. */
  readonly #idle = new Map<Connection, ReturnType<typeof setTimeout>>();

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  get keeps(): boolean {
    return this.#options.mostIdle > 0;
  }

  /** One that has been used before, or undefined. */
  take(signal: AbortSignal): Connection | undefined {
    signal.throwIfAborted();
    const [connection, timer] = [...this.#idle].at(-1) ?? [];
    if (connection === undefined) return undefined;
    clearTimeout(timer);
    this.#idle.delete(connection);
    connection.use(signal);
    return connection;
  }

  async dial(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    const { address } = this.#options;
    const socket = await this.#options.dial({ signal }).catch((error) => {
      signal.throwIfAborted();
      throw error instanceof RunnerError ? error : EngineError.unreachable(address, error);
    });
    const connection = new Connection(socket, {
      address,
      signal,
      onClose: (closed) => this.#forget(closed),
    });
    // The dialler may have come too late for an abort; then the connection has closed itself.
    signal.throwIfAborted();
    this.#open.add(connection);
    return connection;
  }

  /** For a connection whose call is complete, to the last byte of its answer. */
  giveBack(connection: Connection): void {
    if (this.#idle.size >= this.#options.mostIdle) return connection[Symbol.dispose]();
    const timer = setTimeout(() => connection[Symbol.dispose](), LONGEST_IDLE_MS);
    timer.unref();
    this.#idle.set(connection, timer);
    connection.rest();
  }

  /** Ends whatever is open; its callers get an EngineError. */
  [Symbol.dispose](): void {
    for (const connection of [...this.#open]) connection[Symbol.dispose]();
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    clearTimeout(this.#idle.get(connection));
    this.#idle.delete(connection);
  }
}
