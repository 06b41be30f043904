/** Images from archives: what `docker save` wrote, or a root file system. */

import { type EngineCall, type EngineHttp, parseAnswer } from "./engine_http.ts";
import { imagePath, parseImageReference } from "./image_reference.ts";
import { readLines } from "./json_lines.ts";
import { pullFault, PullStep } from "./pull_step.ts";

/** Afterwards there is an image named `reference`. Throws EngineError for what is no image. */
export async function importImage(
  http: EngineHttp,
  reference: string,
  tar: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { repository, tag } = parseImageReference(reference);
  const chunks = tar[Symbol.asyncIterator]();
  const first = await chunks.next();
  const head = first.done ? new Uint8Array(0) : first.value;
  const body = resumed(head, chunks);
  if (!isSavedImage(head)) {
    const query = { fromSrc: "-", repo: repository, tag };
    await progress(http, { method: "POST", path: "/images/create", query, tar: body, signal });
    return;
  }
  const query = { quiet: "1" };
  const loaded = await progress(http, {
    method: "POST",
    path: "/images/load",
    query,
    tar: body,
    signal,
  });
  const name = /^Loaded image(?: ID)?: (\S+)/m.exec(loaded)?.[1];
  if (name === undefined || name === reference) return;
  const path = `/images/${imagePath(name)}/tag`;
  await http.done({ method: "POST", path, query: { repo: repository, tag }, signal });
}

/** The first entry of a saved image; of a root file system it is a plain directory. */
export function isSavedImage(head: Uint8Array): boolean {
  const name = new TextDecoder("latin1").decode(head.subarray(0, 100)).replace(/\0.*$/s, "");
  return /^(blobs\/|manifest\.json$|index\.json$|oci-layout$|[0-9a-f]{64}(\/|\.json$|\.tar$))/.test(
    name,
  );
}

async function* resumed(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Reads the answer to its end, and what it told on its way. */
function progress(http: EngineHttp, call: EngineCall): Promise<string> {
  return http.stream(call, async ({ body }) => {
    let told = "";
    for await (const line of readLines(body)) {
      const step = parseAnswer(PullStep, line, call);
      const fault = pullFault(step);
      if (fault !== undefined) throw fault;
      told += step.stream;
    }
    return told;
  });
}
