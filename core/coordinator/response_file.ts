/** A response's body on its way into a file. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { answerOf, readAnswer } from "./http.ts";

/** Answers that are not the file are a word or an error page. */
const LONGEST_MESSAGE = 64 * 1024;

/** An answer whose body went to a file if its status was 200. */
export interface StoredAnswer extends Answer {
  /** Bytes in the file. */
  readonly written: number;
}

/**
 * Writes the body of a 200 to `destination`, made anew with mode 0600. A body that breaks off is
 * told by `cut`; a failure to write is thrown.
 */
export async function storeAnswer(
  response: Response,
  requestId: string,
  destination: string,
): Promise<StoredAnswer> {
  if (response.status !== 200) {
    return { ...await readAnswer(response, requestId, LONGEST_MESSAGE), written: 0 };
  }
  await using file = await open(destination, OVERWRITE, 0o600);
  await file.chmod(0o600);
  const { written, cut } = await writeBody(response, file);
  return { ...answerOf(response, requestId, { body: new Uint8Array(), cut }), written };
}

/** A link that a job planted at the destination is refused, not followed. */
const OVERWRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC |
  (constants.O_NOFOLLOW ?? 0);

async function writeBody(
  response: Response,
  file: FileHandle,
): Promise<{ readonly written: number; readonly cut: string | undefined }> {
  const reader = response.body?.getReader();
  if (reader === undefined) return { written: 0, cut: undefined };
  let written = 0;
  try {
    for (;;) {
      const next = await reader.read().catch(messageOf);
      if (typeof next === "string") return { written, cut: next };
      if (next.done) return { written, cut: undefined };
      await file.writeFile(next.value);
      written += next.value.length;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
