/** A registry with the same image under every name, for pulls. */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

export interface SmallRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Resolves when an engine waits for the layer of `slow/`, which never ends. */
  readonly waiting: Promise<void>;
}

const DOCKER = "application/vnd.docker";

/** `missing/` is not there. With a password, `user` and it are asked for. */
export function startSmallRegistry(password?: string): SmallRegistry {
  // An empty tar is a layer too.
  const tar = Buffer.alloc(10_240);
  const layer = gzipSync(tar);
  const config = configOf(tar);
  const manifest = manifestOf(config, layer);
  const slowTar = crypto.getRandomValues(Buffer.alloc(4096));
  const slowLayer = gzipSync(slowTar);
  const slowConfig = configOf(slowTar);
  const slow = manifestOf(slowConfig, slowLayer);
  const blobs = new Map([config, slowConfig, layer].map((bytes) => [digestOf(bytes), bytes]));
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
  const allowed = `Basic ${Buffer.from(`user:${password}`).toString("base64")}`;

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const path = new URL(request.url).pathname;
      const given = request.headers.get("authorization");
      if (password !== undefined && given !== allowed) return refused();
      if (path === "/v2/") return new Response("{}");
      if (path.includes("/manifests/") && !path.includes("/missing/")) {
        const bytes = path.includes("/slow/") ? slow : manifest;
        const headers = {
          "content-type": `${DOCKER}.distribution.manifest.v2+json`,
          "docker-content-digest": digestOf(bytes),
        };
        return new Response(request.method === "HEAD" ? null : new Uint8Array(bytes), { headers });
      }
      if (path.endsWith(digestOf(slowLayer))) {
        waits();
        return new Response(new ReadableStream({ pull: () => new Promise<void>(() => {}) }));
      }
      const blob = blobs.get(path.slice(path.lastIndexOf("/") + 1));
      if (blob !== undefined) return new Response(new Uint8Array(blob));
      const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
      return Response.json({ errors }, { status: 404 });
    },
  });

  /** The engine sends credentials only after it was asked for them. */
  function refused(): Response {
    const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
    const headers = { "www-authenticate": 'Basic realm="small"' };
    return Response.json({ errors }, { status: 401, headers });
  }

  return {
    host: `127.0.0.1:${server.port}`,
    waiting,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

/** Unlike any other, so that no engine has the image already. */
function configOf(layer: Uint8Array): Buffer {
  return Buffer.from(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/bin/true"], Labels: { unique: crypto.randomUUID() } },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  }));
}

function manifestOf(config: Buffer, layer: Buffer): Buffer {
  const part = (bytes: Buffer, mediaType: string) => ({
    mediaType: `${DOCKER}.${mediaType}`,
    size: bytes.length,
    digest: digestOf(bytes),
  });
  return Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: `${DOCKER}.distribution.manifest.v2+json`,
    config: part(config, "container.image.v1+json"),
    layers: [part(layer, "image.rootfs.diff.tar.gzip")],
  }));
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
