/** Files in containers, which need not run. */

import { decodeTarHeader, TAR_BLOCK } from "../../../core/archive/tar_header.ts";
import type { Engine } from "./engine.ts";
import { EngineError } from "./engine_error.ts";
import type { EngineHttp } from "./engine_http.ts";

export type FileCalls = Pick<Engine, "hasFile" | "permissions" | "ownerOf" | "putArchive">;

export function fileCalls(http: EngineHttp): FileCalls {
  const about = (id: string, path: string, signal: AbortSignal) => ({
    path: `/containers/${encodeURIComponent(id)}/archive`,
    query: { path },
    signal,
  });
  return {
    async hasFile(id, path, { signal }) {
      return await http.done({ method: "HEAD", ...about(id, path, signal) }, [404]) !== 404;
    },

    async permissions(id, path, { signal }) {
      using answer = await http.open({ method: "HEAD", ...about(id, path, signal) });
      const told = answer.head.headers.get("x-docker-container-path-stat") ?? "";
      const mode: unknown = JSON.parse(Buffer.from(told, "base64").toString()).mode;
      if (typeof mode === "number") return mode & 0o777;
      throw new EngineError("server", `The Docker Engine does not tell the mode of "${path}"`);
    },

    async ownerOf(id, path, { signal }) {
      // What lies below is not waited for.
      using answer = await http.open({ method: "GET", ...about(id, path, signal) });
      let block = Buffer.alloc(0);
      for await (const bytes of answer.body) {
        block = Buffer.concat([block, bytes]);
        if (block.length >= TAR_BLOCK) break;
      }
      const header = decodeTarHeader(block.subarray(0, TAR_BLOCK));
      if (header !== undefined) return { uid: header.uid, gid: header.gid };
      throw new EngineError("server", `The Docker Engine does not tell the owner of "${path}"`);
    },

    async putArchive(id, path, tar, { signal }) {
      await http.done({ method: "PUT", ...about(id, path, signal), tar });
    },
  };
}
