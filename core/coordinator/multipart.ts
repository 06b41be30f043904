/** A multipart body of exactly one file, streamed. */

import type { RequestBody } from "./request_body.ts";

export interface MultipartFile {
  /** What the file is called at the coordinator: a name, not a path. */
  readonly fileName: string;
  /** Opens the content; called again for a repetition or a redirect. */
  readonly content: () => AsyncIterable<Uint8Array>;
  /** Bytes of the content; undefined when it is made while it is sent. */
  readonly length?: number | undefined;
}

export interface Multipart {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: RequestBody;
}

/**
 * The file as form field `file`. A generator, because the HTTP client would hold a Blob or FormData
 * in memory, or drop parts of it.
 */
export function multipartFile(file: MultipartFile): Multipart {
  const boundary = crypto.randomUUID().replaceAll("-", "");
  const head = Buffer.from(
    `--${boundary}\r\n` +
      `Content-Disposition: form-data; name="file"; filename="${escapeName(file.fileName)}"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n",
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* file.content();
    yield tail;
  }
  const { length } = file;
  const size = length === undefined
    ? {}
    : { "Content-Length": String(head.length + length + tail.length) };
  return {
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}`, ...size },
    body,
  };
}

const ESCAPED: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\r": "%0D",
  "\n": "%0A",
};

function escapeName(name: string): string {
  return name.replace(/[\\"\r\n]/g, (character) => ESCAPED[character] ?? "");
}
