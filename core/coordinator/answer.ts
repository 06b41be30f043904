/** An answer of the coordinator, read to its end, and what it says in words. */

import { messageOf } from "../errors.ts";
import { parseJson } from "../util/json.ts";
import type { Rejected } from "./coordinator.ts";

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Why the body is not whole; undefined when it is. */
  readonly cut: string | undefined;
  /** The coordinator's request id, else ours. */
  readonly correlationId: string;
}

/** Reads at most `limit` bytes of a body; what is more, or a failure, leaves it cut. */
export async function readBody(
  response: Response,
  limit: number,
): Promise<Pick<Answer, "body" | "cut">> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let cut: string | undefined;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= limit) continue;
      cut = `it is longer than ${limit} bytes`;
      break;
    }
  } catch (error) {
    cut = messageOf(error);
  }
  return { body: Buffer.concat(chunks), cut };
}

/** The body as text. */
export function textOf(answer: Answer): string {
  return new TextDecoder().decode(answer.body);
}

/** The media type without parameters, in lower case. */
export function mediaType(answer: Answer): string {
  return (answer.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** The body as JSON; undefined when it is not. */
export function jsonOf(answer: Answer): unknown {
  return parseJson(textOf(answer));
}

/** `403 Forbidden`. */
export function statusLine(answer: Answer): string {
  return `${answer.status} ${answer.statusText}`.trim();
}

/** The answer as an outcome nobody planned for. */
export function rejected(answer: Answer): Rejected {
  return { kind: "rejected", status: answer.status, message: errorMessage(answer) };
}

/** What GitLab (or an object storage) says went wrong; the status line when it says nothing. */
export function errorMessage(answer: Answer): string {
  const { status } = answer;
  if (status >= 300 && status < 400) {
    return `${statusLine(answer)}: the coordinator's URL is misconfigured, ` +
      `requests are redirected to "${answer.headers.get("location") ?? ""}"`;
  }
  return gitlabMessage(jsonOf(answer)) ?? storageMessage(textOf(answer)) ?? statusLine(answer);
}

/** `{"message": "text"}` or `{"message": {"field": ["text", …]}}`. */
function gitlabMessage(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null || !("message" in json)) return undefined;
  const { message } = json;
  if (typeof message === "string") return message;
  if (typeof message !== "object" || message === null) return undefined;
  return Object.entries(message).map(([field, texts]) => `${field}: ${[texts].flat().join(", ")}`)
    .join("; ");
}

/** S3's `<Error><Code/><Message/></Error>`. */
function storageMessage(text: string): string | undefined {
  const code = /<Error>[\s\S]*?<Code>([^<]*)<\/Code>/.exec(text)?.[1];
  if (code === undefined) return undefined;
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1];
  return message === undefined ? code : `${code}: ${message}`;
}
