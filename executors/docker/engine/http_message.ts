/** The HTTP/1.1 that engines speak: a request and its answer. */

import { EngineError } from "./engine_error.ts";
import type { Connection } from "./connection.ts";

export interface RequestHead {
  readonly method: string;
  /** With its query, encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface AnswerHead {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
}

export function renderHead(request: RequestHead): string {
  const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${request.method} ${request.target} HTTP/1.1\r\nHost: docker\r\n${lines.join("")}\r\n`;
}

/** Far above what engines send, and a bound for what is no engine. */
const LONGEST_HEAD = 64 * 1024;

/** Reads to the blank line, past interim answers (`100 Continue`). */
export async function readHead(connection: Connection): Promise<AnswerHead> {
  for (;;) {
    const [first = "", ...lines] = (await connection.readUntil("\r\n\r\n", LONGEST_HEAD))
      .split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(first)?.[1]);
    if (Number.isNaN(status)) {
      throw new EngineError("server", `The Docker Engine's answer is not HTTP: "${first}"`);
    }
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }));
    if (status >= 200 || status === 101) return { status, headers };
  }
}

/** The body's bytes; throws EngineError when the connection ends before the body does. */
export async function* readBody(
  connection: Connection,
  head: AnswerHead,
): AsyncGenerator<Uint8Array, void> {
  if (head.status === 204 || head.status === 304) return;
  const length = head.headers.get("content-length");
  if (head.headers.get("transfer-encoding") === "chunked") yield* readChunked(connection);
  else if (length !== undefined) yield* readExactly(connection, Number(length));
  else yield* readToEnd(connection);
}

const LONGEST_LINE = 4096;

async function* readChunked(connection: Connection): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const line = await connection.readUntil("\r\n", LONGEST_LINE);
    if (!/^[0-9a-f]+/i.test(line)) {
      throw new EngineError("server", `The Docker Engine's answer has a wrong chunk: "${line}"`);
    }
    const size = parseInt(line, 16);
    if (size === 0) break;
    yield* readExactly(connection, size);
    await connection.readUntil("\r\n", LONGEST_LINE);
  }
  while (await connection.readUntil("\r\n", LONGEST_LINE) !== "");
}

async function* readExactly(
  connection: Connection,
  size: number,
): AsyncGenerator<Uint8Array, void> {
  for (let left = size; left > 0;) {
    const bytes = await connection.read(left);
    if (bytes === undefined) throw connection.lost();
    left -= bytes.length;
    yield bytes;
  }
}

export async function* readToEnd(connection: Connection): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const bytes = await connection.read();
    if (bytes === undefined) return;
    yield bytes;
  }
}

/** Sends a body of unknown length, chunk by chunk. */
export async function sendChunked(
  connection: Connection,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  for await (const bytes of body) {
    // An empty chunk would end the body.
    if (bytes.length === 0) continue;
    await connection.send(`${bytes.length.toString(16)}\r\n`);
    await connection.send(bytes);
    await connection.send("\r\n");
  }
  await connection.send("0\r\n\r\n");
}
