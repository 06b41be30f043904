/** Carries out a fault: stands between a call and its handling. */

import { assertNever } from "../errors.ts";
import { delay } from "../util/abort.ts";
import { emptyAnswer, jsonAnswer, textAnswer } from "./answers.ts";
import type { Call } from "./call.ts";
import type { FaultAction } from "./faults.ts";

/**
 * `faithful`: the caller gets the answer of the route itself; `changed`: another one; `lost`: none
 * that it could read to its end.
 */
export interface FaultyAnswer {
  readonly answer: Response;
  readonly fate: "faithful" | "changed" | "lost";
}

/** `signal` ends hanging calls; `handle` is the route. */
export async function applyFault(
  action: FaultAction,
  call: Call,
  options: { readonly handle: () => Promise<Response>; readonly signal: AbortSignal },
): Promise<FaultyAnswer> {
  const { handle } = options;
  const signal = AbortSignal.any([options.signal, call.request.signal]);
  switch (action.kind) {
    case "answer":
      return changed(ownAnswer(action.status, action.headers, action.body));
    case "redirect":
      return changed(emptyAnswer(action.status, { Location: action.location }));
    case "alter":
      return changed(await altered(action, await handle()));
    case "delay":
      await delay(action.ms, { signal }).catch(() => {});
      return { answer: await handle(), fate: "faithful" };
    case "hang":
      if (action.handled) await handle();
      await delay(Infinity, { signal }).catch(() => {});
      return lost(emptyAnswer(503));
    case "reset":
      if (action.handled) await handle();
      return lost(resetAfter(new Uint8Array()));
    case "cut": {
      const answer = await handle();
      const head = (await answer.bytes()).subarray(0, action.afterBytes);
      return lost(resetAfter(head, answer));
    }
    case "cut-request":
      await readSome(call, action.afterBytes);
      return lost(resetAfter(new Uint8Array()));
    case "drop":
      call.droppedBytes = action.bytes;
      return { answer: await handle(), fate: "faithful" };
    case "close": {
      const answer = await handle();
      answer.headers.set("Connection", "close");
      return { answer, fate: "faithful" };
    }
    case "slow":
      return { answer: trickled(await handle(), action.bytesPerSecond, signal), fate: "faithful" };
    default:
      return assertNever(action);
  }
}

function changed(answer: Response): FaultyAnswer {
  return { answer, fate: "changed" };
}

function lost(answer: Response): FaultyAnswer {
  return { answer, fate: "lost" };
}

function ownAnswer(status: number, headers: Readonly<Record<string, string>>, body: unknown) {
  if (body === undefined) return emptyAnswer(status, headers);
  return typeof body === "string"
    ? textAnswer(status, body, headers)
    : jsonAnswer(status, body, headers);
}

async function altered(
  action: FaultAction & { kind: "alter" },
  answer: Response,
): Promise<Response> {
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(action.headers)) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  // Archives are no text.
  let body: string | ArrayBuffer | undefined;
  if (answer.body !== null) body = await answer.arrayBuffer();
  if (action.body !== undefined) {
    body = typeof action.body === "string" ? action.body : JSON.stringify(action.body);
  }
  const status = action.status ?? answer.status;
  if (body === undefined || status === 204) return new Response(null, { status, headers });
  if (!action.gzip) return new Response(body, { status, headers });
  headers.set("Content-Encoding", "gzip");
  return new Response(Bun.gzipSync(body), { status, headers });
}

/** Bun's server resets the connection when a body fails; an undefined reason prints nothing. */
function resetAfter(head: Uint8Array, answer?: Response): Response {
  let sent = head.length === 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent) return controller.error(undefined);
      sent = true;
      controller.enqueue(head);
      // Gives the bytes time to leave before the reset overtakes them.
      await Bun.sleep(RESET_DELAY_MS);
    },
  });
  return new Response(body, answer === undefined ? {} : answer);
}

const RESET_DELAY_MS = 20;

async function readSome(call: Call, bytes: number): Promise<void> {
  let size = 0;
  for await (const chunk of call.request.body ?? []) {
    size += chunk.length;
    if (size >= bytes) return;
  }
}

function trickled(answer: Response, bytesPerSecond: number, signal: AbortSignal): Response {
  const pieces = async function* () {
    const bytes = await answer.bytes();
    // Ten pieces a second, so that a slow answer is not a stalled one.
    const piece = Math.max(1, Math.ceil(bytesPerSecond / 10));
    for (let at = 0; at < bytes.length && !signal.aborted; at += piece) {
      yield bytes.subarray(at, at + piece);
      await delay(100, { signal }).catch(() => {});
    }
  };
  return new Response(pieces(), answer);
}
