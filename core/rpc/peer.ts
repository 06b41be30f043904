/**
 * One side of a JSON-RPC connection: requests with cancellation, answers, notifications. It knows
 * nothing of what the methods mean.
 */

import { z } from "zod";
import { messageOf, RunnerError } from "../errors.ts";
import { delay } from "../util/abort.ts";
import {
  encodeMessage,
  parseMessage,
  ProtocolViolation,
  RPC_CODES,
  type RpcFailure,
  RpcId,
  type RpcMessage,
} from "./message.ts";
import type { Transport } from "./transport.ts";

/** A request's name and both of its shapes. */
export interface Method<P, R> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  readonly result: z.ZodType<R>;
}

/** A notification's name and shape. */
export interface Notice<P> {
  readonly name: string;
  readonly params: z.ZodType<P>;
}

/** How errors and reasons of an abort are put on the wire and taken off it. */
export interface RpcCodec {
  encodeError(error: unknown): RpcFailure;
  decodeError(failure: RpcFailure): Error;
  encodeReason(reason: unknown): unknown;
  decodeReason(reason: unknown): Error;
}

/** The other side has not answered in time. */
export class RpcTimeout extends RunnerError {
  override readonly name = "RpcTimeout";
}

/** The connection has ended. */
export class RpcClosed extends RunnerError {
  override readonly name = "RpcClosed";
}

export interface PeerOptions {
  /** More requests may not wait for their answers to be taken; for another side that is not trusted. */
  readonly mostRequests?: number;
}

export interface RequestOptions {
  /** Aborting it asks the other side to stop; the call ends when that has answered. */
  readonly signal?: AbortSignal;
  /** Longest wait for the answer, in milliseconds. */
  readonly limitMs?: number;
  /** Longest wait for the answer after an abort for `reason`, in milliseconds. */
  readonly patienceMs?: (reason: unknown) => number;
}

type Handler = (params: unknown, signal: AbortSignal) => unknown;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

type RpcRequest = Extract<RpcMessage, { kind: "request" }>;
type Outcome =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "failure"; readonly error: RpcFailure };

const CANCEL = "$/cancel";
const Cancel = z.object({ id: RpcId, reason: z.unknown() });

/** What another side writes without end must not hold up everything else for longer. */
const TURN_MS = 5;

export class Peer {
  readonly #transport: Transport;
  readonly #codec: RpcCodec;
  readonly #mostRequests: number;
  readonly #requests = new Map<string, Handler>();
  readonly #notices = new Map<string, (params: unknown) => void>();
  readonly #pending = new Map<RpcId, Pending>();
  /** Requests that ended before their answers came. */
  readonly #givenUp = new Set<RpcId>();
  readonly #running = new Map<RpcId, AbortController>();
  readonly #broken = Promise.withResolvers<never>();
  /** Requests of the other side whose answers it has not taken. */
  #unanswered = 0;
  #lastId = 0;
  #closed: Error | undefined;

  constructor(transport: Transport, codec: RpcCodec, options: PeerOptions = {}) {
    this.#transport = transport;
    this.#codec = codec;
    this.#mostRequests = options.mostRequests ?? Infinity;
    this.#broken.promise.catch(() => {});
  }

  /** Answers requests of `method`. The signal aborts when the request is canceled or the end comes. */
  handle<P, R>(
    method: Method<P, R>,
    handler: (params: P, options: { signal: AbortSignal }) => R | Promise<R>,
  ): void {
    this.#requests.set(
      method.name,
      (params, signal) => handler(parse(method, params), { signal }),
    );
  }

  /** Takes notifications, in their order; the handler does not wait. */
  on<P>(notice: Notice<P>, handler: (params: P) => void): void {
    this.#notices.set(notice.name, (params) => handler(parse(notice, params)));
  }

  /** The connection has ended: nothing is sent or answered any more. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Reads until the other side closes; `why` may find out what that means. Rejects with
   * ProtocolViolation when it does not keep to the protocol. Either way what is pending is rejected
   * and what runs is aborted.
   */
  async run(
    why = () => Promise.resolve("The other side has closed the connection"),
  ): Promise<void> {
    try {
      await Promise.race([this.#read(), this.#broken.promise]);
      this.close(new RpcClosed(await why()));
    } catch (error) {
      const fault = RunnerError.from(error);
      this.close(fault);
      throw fault;
    }
  }

  async #read(): Promise<void> {
    let turnEnd = performance.now() + TURN_MS;
    for await (const line of this.#transport.lines) {
      if (this.closed) return;
      this.#receive(parseMessage(line));
      if (performance.now() < turnEnd) continue;
      await new Promise(setImmediate);
      turnEnd = performance.now() + TURN_MS;
    }
  }

  /** Rejects what is pending, aborts what runs, and sends nothing more. Idempotent. */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#transport.close();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    for (const running of this.#running.values()) running.abort(error);
  }

  /** Throws the decoded error, the signal's reason, RpcTimeout or why the connection has ended. */
  async request<P, R>(
    method: Method<P, R>,
    params: P,
    options: RequestOptions = {},
  ): Promise<R> {
    if (this.#closed !== undefined) throw this.#closed;
    const { signal } = options;
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    // The connection may end while the request is still being sent.
    answer.promise.catch(() => {});
    const end = new AbortController();
    const cancel = () => {
      this.#say(CANCEL, { id, reason: this.#codec.encodeReason(signal?.reason) });
      const limitMs = options.patienceMs?.(signal?.reason) ?? Infinity;
      this.#limit(method.name, limitMs, answer.reject, end.signal);
    };
    this.#pending.set(id, answer);
    signal?.addEventListener("abort", cancel, { once: true });
    this.#limit(method.name, options.limitMs ?? Infinity, answer.reject, end.signal);
    try {
      await this.#send({ kind: "request", id, method: method.name, params });
      return this.#result(method, await answer.promise);
    } catch (error) {
      throw signal?.aborted && !(error instanceof RpcTimeout) ? signal.reason : error;
    } finally {
      end.abort(new RpcClosed("The request has ended"));
      signal?.removeEventListener("abort", cancel);
      if (this.#pending.delete(id)) this.#givenUp.add(id);
    }
  }

  /** Awaiting the result, when there is one, is backpressure. */
  notify<P>(notice: Notice<P>, params: P): Promise<void> | undefined {
    return this.#say(notice.name, params);
  }

  #say(method: string, params: unknown): Promise<void> | undefined {
    return this.#send({ kind: "notification", method, params });
  }

  #send(message: RpcMessage): Promise<void> | undefined {
    return this.#closed === undefined ? this.#transport.send(encodeMessage(message)) : undefined;
  }

  #limit(what: string, ms: number, reject: (error: Error) => void, signal: AbortSignal): void {
    if (!Number.isFinite(ms)) return;
    delay(ms, { signal }).then(
      () => reject(new RpcTimeout(`"${what}" was not answered within ${ms / 1000} seconds`)),
      () => {},
    );
  }

  #result<P, R>(method: Method<P, R>, result: unknown): R {
    const parsed = method.result.safeParse(result);
    if (parsed.success) return parsed.data;
    const why = describe(parsed.error);
    const violation = new ProtocolViolation(`The answer to "${method.name}" is wrong: ${why}`);
    this.close(violation);
    this.#broken.reject(violation);
    throw violation;
  }

  #receive(message: RpcMessage): void {
    switch (message.kind) {
      case "request":
        if (this.#running.has(message.id)) {
          throw new ProtocolViolation(`The request id ${JSON.stringify(message.id)} is in use`);
        }
        if (this.#unanswered >= this.#mostRequests) {
          throw new ProtocolViolation(
            `It has asked ${this.#unanswered} things and takes no answers`,
          );
        }
        this.#answer(message);
        return;
      case "notification":
        this.#notice(message.method, message.params);
        return;
      case "result":
        this.#settled(message.id).resolve(message.result);
        return;
      case "failure":
        if (message.id === null) {
          throw new ProtocolViolation(`It cannot read what it is sent: ${message.error.message}`);
        }
        this.#settled(message.id).reject(this.#codec.decodeError(message.error));
        return;
    }
  }

  #settled(id: RpcId): Pending {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) return pending;
    if (this.#givenUp.delete(id)) return NOBODY;
    throw new ProtocolViolation(
      `It answers the request ${JSON.stringify(id)}, which was never sent or has its answer`,
    );
  }

  async #answer({ id, method, params }: RpcRequest): Promise<void> {
    const running = new AbortController();
    this.#running.set(id, running);
    this.#unanswered++;
    const answer = await this.#outcome(method, params, running.signal);
    this.#running.delete(id);
    await this.#send({ id, ...answer });
    this.#unanswered--;
  }

  async #outcome(method: string, params: unknown, signal: AbortSignal): Promise<Outcome> {
    try {
      const handler = this.#requests.get(method);
      if (handler === undefined) throw new UnknownMethod(`There is no method "${method}"`);
      return { kind: "result", result: await handler(params, signal) };
    } catch (error) {
      const failure = signal.aborted ? canceled(messageOf(signal.reason)) : this.#failure(error);
      return { kind: "failure", error: failure };
    }
  }

  #failure(error: unknown): RpcFailure {
    if (error instanceof InvalidParams) {
      return { code: RPC_CODES.invalidParams, message: error.message };
    }
    if (error instanceof UnknownMethod) {
      return { code: RPC_CODES.methodNotFound, message: error.message };
    }
    return this.#codec.encodeError(error);
  }

  #notice(method: string, params: unknown): void {
    if (method === CANCEL) {
      const { data } = Cancel.safeParse(params);
      if (data !== undefined) {
        this.#running.get(data.id)?.abort(this.#codec.decodeReason(data.reason));
      }
      return;
    }
    try {
      this.#notices.get(method)?.(params);
    } catch (error) {
      if (!(error instanceof InvalidParams)) throw error;
      throw new ProtocolViolation(error.message, { cause: error });
    }
  }
}

const NOBODY: Pending = { resolve: () => {}, reject: () => {} };

class UnknownMethod extends RunnerError {}

class InvalidParams extends RunnerError {}

function canceled(message: string): RpcFailure {
  return { code: RPC_CODES.canceled, message, data: { kind: "canceled" } };
}

function parse<P>(shape: Notice<P>, params: unknown): P {
  const parsed = shape.params.safeParse(params);
  if (parsed.success) return parsed.data;
  throw new InvalidParams(`The parameters of "${shape.name}" are wrong: ${describe(parsed.error)}`);
}

/** What is wrong may be anything, and as long as a line. */
const MOST_ISSUES = 3;
const MOST_CHARACTERS = 500;

function describe({ issues }: z.ZodError): string {
  const shown = issues.slice(0, MOST_ISSUES)
    .map(({ path, message }) => `${path.join(".") || "value"}: ${message}`)
    .join("; ");
  return shown.slice(0, MOST_CHARACTERS);
}
