/** Calls of the engine's API: versioned paths, bodies, refusals as errors, hijacked connections. */

import { z } from "zod";
import { messageOf } from "../../../core/errors.ts";
import { negotiate } from "./api_version.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import { EngineError } from "./engine_error.ts";
import { type AnswerHead, readBody, readHead, renderHead, sendChunked } from "./http_message.ts";

export interface EngineCall {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Below the version, encoded: `/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly tar?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** An answer whose status is good, with its body still to come. */
export interface Answer {
  readonly head: AnswerHead;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * A connection serves one call, or one after another where the pool keeps them. No call is ever
 * repeated, but for a question on a kept connection that the engine was just closing.
 */
export class EngineHttp implements Disposable {
  readonly #pool: ConnectionPool;
  #version: string | undefined;

  /** `version` fixes the API version; undefined: the first call asks the engine. */
  constructor(options: { pool: ConnectionPool; version: string | undefined }) {
    this.#pool = options.pool;
    this.#version = options.version;
  }

  /** Calls and reads the answer as `schema`. */
  json<T>(schema: z.ZodType<T>, call: EngineCall): Promise<T> {
    return this.stream(call, async ({ body }) => parseAnswer(schema, await readText(body), call));
  }

  /** Calls for the effect; a refusal with a status of `fine` is as good. Resolves with the status. */
  done(call: EngineCall, fine: readonly number[] = []): Promise<number> {
    return this.stream(call, async ({ head, body }) => {
      await readText(body);
      return head.status;
    }, fine);
  }

  /** Calls and lets `read` take the body; the connection is closed when that has settled. */
  async stream<T>(
    call: EngineCall,
    read: (answer: Answer) => Promise<T>,
    fine: readonly number[] = [],
  ): Promise<T> {
    using answer = await this.open(call, fine);
    return await read(answer);
  }

  /** Calls and leaves the body to the caller, who disposes the answer and with it the connection. */
  async open(call: EngineCall, fine: readonly number[] = []): Promise<Answer & Disposable> {
    const target = `/v${await this.version(call.signal)}${call.path}${renderQuery(call.query)}`;
    const { connection, head } = await this.#ask(call, target, {});
    const body = bodyOf(connection, head, call);
    try {
      if (head.status >= 300 && !fine.includes(head.status)) throw await refusal(head, body);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
    let isRead = false;
    const wasRead = () => isRead = true;
    return {
      head,
      body: noting(body, wasRead),
      [Symbol.dispose]: () => {
        const isOver = isRead && call.tar === undefined && endsByItself(head);
        if (isOver && !connection.isClosed) this.#pool.giveBack(connection);
        else connection[Symbol.dispose]();
      },
    };
  }

  /** Turns the connection into a two-way stream. Whoever calls disposes it. */
  async hijack(call: EngineCall): Promise<{ connection: Connection; head: AnswerHead }> {
    const target = `/v${await this.version(call.signal)}${call.path}${renderQuery(call.query)}`;
    const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };
    const { connection, head } = await this.#ask(call, target, upgrade);
    // Engines and proxies that do not upgrade answer 200 and stream all the same.
    if (head.status === 101 || head.status === 200) return { connection, head };
    try {
      throw await refusal(head, readBody(connection, head));
    } finally {
      connection[Symbol.dispose]();
    }
  }

  /** The API version both sides speak. */
  async version(signal: AbortSignal): Promise<string> {
    return this.#version ?? await this.ping(signal);
  }

  /** Whether the engine answers, and in which API version both sides can speak. */
  async ping(signal: AbortSignal): Promise<string> {
    const target = this.#version === undefined ? "/_ping" : `/v${this.#version}/_ping`;
    const call = { method: "GET", path: "/_ping", signal } as const;
    const { connection, head } = await this.#ask(call, target, { Connection: "close" });
    using _ = connection;
    if (head.status >= 300) throw await refusal(head, readBody(connection, head));
    this.#version ??= negotiate(head.headers.get("api-version"), this.#pool.address);
    return this.#version;
  }

  /** Ends whatever is open; its callers get an EngineError. */
  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }

  /** Sends a call and reads the head of its answer. */
  async #ask(
    call: EngineCall,
    target: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ connection: Connection; head: AnswerHead }> {
    const kept = this.#pool.take(call.signal);
    if (kept !== undefined) {
      try {
        return { connection: kept, head: await this.#exchange(kept, call, target, headers) };
      } catch (error) {
        const isLost = error instanceof EngineError && error.kind === "unreachable";
        call.signal.throwIfAborted();
        if (!isLost || (call.method !== "GET" && call.method !== "HEAD")) throw error;
      }
    }
    const connection = await this.#pool.dial(call.signal);
    return { connection, head: await this.#exchange(connection, call, target, headers) };
  }

  async #exchange(
    connection: Connection,
    call: EngineCall,
    target: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<AnswerHead> {
    try {
      const body = call.json === undefined ? "" : JSON.stringify(call.json);
      const own = this.#pool.keeps ? {} : { Connection: "close" };
      const head = renderHead({
        method: call.method,
        target,
        headers: { ...own, ...headers, ...contentHeaders(call, body), ...call.headers },
      });
      await connection.send(head + body);
      return call.tar === undefined
        ? await readHead(connection)
        : await sendAndReadHead(connection, call.tar);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }
}

/** Parses what the engine said; a wrong shape is the engine's fault, told with the place. */
export function parseAnswer<T>(schema: z.ZodType<T>, text: string, call: EngineCall): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    const what = `${call.method} ${call.path}`;
    throw new EngineError(
      "server",
      `The Docker Engine's answer to "${what}" is not as expected: ${why}`,
      { cause },
    );
  }
}

/** Runs a call about an object that may not be there. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | "not-found"> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof EngineError && error.kind === "not-found") return "not-found";
    throw error;
  }
}

/** What the headers tell of is not there after a HEAD. */
function bodyOf(
  connection: Connection,
  head: AnswerHead,
  { method }: EngineCall,
): AsyncIterable<Uint8Array> {
  return method === "HEAD" ? nothing() : readBody(connection, head);
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

/** Calls `done` when all has been read. */
async function* noting(
  body: AsyncIterable<Uint8Array>,
  done: () => void,
): AsyncGenerator<Uint8Array, void> {
  yield* body;
  done();
}

/** Whether the end of an answer can be told from the end of its connection. */
function endsByItself({ status, headers }: AnswerHead): boolean {
  if (/\bclose\b/i.test(headers.get("connection") ?? "")) return false;
  return status === 204 || status === 304 || headers.has("content-length") ||
    headers.get("transfer-encoding") === "chunked";
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function renderQuery(query: EngineCall["query"]): string {
  const set = Object.entries(query ?? {}).filter((pair) => pair[1] !== undefined);
  return set.length === 0 ? "" : `?${new URLSearchParams(set as [string, string][])}`;
}

function contentHeaders(call: EngineCall, body: string): Record<string, string> {
  if (call.tar !== undefined) {
    return { "Content-Type": "application/x-tar", "Transfer-Encoding": "chunked" };
  }
  if (call.json === undefined) {
    return call.method === "GET" || call.method === "HEAD" ? {} : { "Content-Length": "0" };
  }
  return {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
  };
}

/** An engine that refuses answers before it has taken the whole body, and closes. */
async function sendAndReadHead(
  connection: Connection,
  tar: AsyncIterable<Uint8Array>,
): Promise<AnswerHead> {
  const head = readHead(connection);
  const { promise: broken, reject } = Promise.withResolvers<never>();
  sendChunked(connection, tar).catch((error) => {
    // A connection closed while sending may still hold the answer that says why.
    if (!(error instanceof EngineError)) reject(error);
  });
  return await Promise.race([head, broken]).catch((error) => {
    head.catch(() => {});
    throw error;
  });
}

async function refusal(
  head: AnswerHead,
  body: AsyncIterable<Uint8Array>,
): Promise<EngineError> {
  const text = await readText(body);
  return EngineError.refused(head.status, wordsOf(text) || `HTTP status ${head.status}`);
}

function wordsOf(text: string): string {
  try {
    return z.object({ message: z.string() }).parse(JSON.parse(text)).message;
  } catch {
    return text.trim();
  }
}
