/** JSON-RPC 2.0 messages: what a line holds, and the errors that cross the wire. */

import { z } from "zod";
import { RunnerError } from "../errors.ts";

/** Both are told apart: `1` and `"1"` are different requests. */
export const RpcId = z.union([z.int(), z.string()]);
export type RpcId = z.infer<typeof RpcId>;

/** An error as it crosses the wire. */
export interface RpcFailure {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export type RpcMessage =
  | { readonly kind: "request"; readonly id: RpcId; readonly method: string; params: unknown }
  | { readonly kind: "notification"; readonly method: string; readonly params: unknown }
  | { readonly kind: "result"; readonly id: RpcId; readonly result: unknown }
  /** `id` is null when the other side could not read the request. */
  | { readonly kind: "failure"; readonly id: RpcId | null; readonly error: RpcFailure };

/** Codes of JSON-RPC 2.0, and the one for a canceled request that language servers use too. */
export const RPC_CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  canceled: -32800,
} as const;

/** The other side does not keep to the protocol; nothing it says can be relied on any more. */
export class ProtocolViolation extends RunnerError {
  override readonly name = "ProtocolViolation";
}

const Failure = z.object({
  code: z.int(),
  message: z.string(),
  data: z.unknown().optional(),
});
const Wire = z.object({
  jsonrpc: z.literal("2.0"),
  id: RpcId.nullable().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: Failure.optional(),
});

/** Throws ProtocolViolation, which quotes the beginning of the line. */
export function parseMessage(line: string): RpcMessage {
  const { id, method, params, result, error } = parseWire(line);
  if (method !== undefined && error === undefined && result === undefined) {
    if (id === undefined) return { kind: "notification", method, params };
    if (id !== null) return { kind: "request", id, method, params };
  }
  if (method === undefined && id !== undefined) {
    if (error !== undefined) return { kind: "failure", id, error };
    if (id !== null) return { kind: "result", id, result };
  }
  throw new ProtocolViolation(`It is neither request nor answer: ${beginning(line)}`);
}

function parseWire(line: string): z.infer<typeof Wire> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new ProtocolViolation(
      `It is no JSON: ${beginning(line)}. Standard output is for messages only; what is for ` +
        "people belongs on standard error",
      { cause },
    );
  }
  const parsed = Wire.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolViolation(`It is no JSON-RPC 2.0 message: ${beginning(line)}`);
}

export function encodeMessage(message: RpcMessage): string {
  const jsonrpc = "2.0";
  switch (message.kind) {
    case "request":
      return JSON.stringify({
        jsonrpc,
        id: message.id,
        method: message.method,
        params: message.params,
      });
    case "notification":
      return JSON.stringify({ jsonrpc, method: message.method, params: message.params });
    case "result":
      return JSON.stringify({ jsonrpc, id: message.id, result: message.result ?? null });
    case "failure":
      return JSON.stringify({ jsonrpc, id: message.id, error: message.error });
  }
}

/** Enough to find the line again; what follows may be long or secret. */
const SHOWN_CHARACTERS = 80;

function beginning(line: string): string {
  const text = line.slice(0, SHOWN_CHARACTERS);
  return JSON.stringify(line.length > text.length ? `${text}…` : text);
}
