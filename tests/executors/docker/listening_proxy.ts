/** A socket in front of an engine's, which notes what is asked of the engine. */

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestEngine } from "./dockerd.ts";

export class ListeningProxy implements TestEngine {
  readonly host: string;
  /** `POST /containers/create?name=…`, without the version, in the order of asking. */
  readonly calls: string[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "listening-proxy-"));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: string) {
    const path = join(this.#directory, "engine.sock");
    this.host = `unix://${path}`;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#serve(client, target));
    this.#server.listen(path);
  }

  /** `engine`: on a unix socket. */
  static async before(engine: { readonly host: string }): Promise<ListeningProxy> {
    const proxy = new ListeningProxy(engine.host.replace("unix://", ""));
    await new Promise((listening) => proxy.#server.once("listening", listening));
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #serve(client: Socket, target: string): void {
    const engine = connect({ path: target, allowHalfOpen: true });
    // What a connection carries after an upgrade are a job's bytes.
    client.once("data", (bytes) => this.#note(bytes.toString("latin1")));
    for (const [from, to] of [[client, engine], [engine, client]] as const) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => this.#sockets.delete(from));
      from.pipe(to);
    }
  }

  #note(head: string): void {
    const [, method, target] = /^([A-Z]+) (?:\/v[\d.]+)?(\S+) HTTP/.exec(head) ?? [];
    if (method !== undefined) this.calls.push(`${method} ${decodeURIComponent(target ?? "")}`);
  }
}
