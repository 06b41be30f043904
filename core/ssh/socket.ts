/** The TCP connection to an SSH server. */

import { connect, type Socket } from "node:net";
import { freeBytes } from "../util/free_bytes.ts";

/** Enough of what stands in front of a server's version to know what has answered. Characters. */
const MOST_SAID = 1000;

const MOST_QUOTED = 80;

export class SshSocket {
  /** For ssh2, which takes one that is still connecting. */
  readonly socket: Socket;
  #hasConnected = false;
  #said = "";
  #last: Uint8Array | undefined;

  constructor(address: { readonly host: string; readonly port: number }) {
    this.socket = connect(address);
    this.socket.once("connect", () => this.#hasConnected = true);
    // It is read when ssh2 is ready to, and this listener comes first then.
    this.socket.pause();
    this.socket.on("data", (bytes: Uint8Array) => this.#see(bytes));
  }

  /** Why this is no SSH server, or none for us at present; undefined: it is one. */
  get stranger(): string | undefined {
    if (!this.#hasConnected || /^SSH-(?:2\.0|1\.99)-/m.test(this.#said)) return undefined;
    const [line = ""] = this.#said.trim().split(/[\r\n]/);
    const what = "this is no SSH server, or one with too many logins at present (MaxStartups)";
    if (line === "") return `${what}: it closed the connection without a word`;
    return `${what}: it said "${line.slice(0, MOST_QUOTED).replaceAll(/[^ -~]/g, "?")}"`;
  }

  /** ssh2 takes bytes apart at once, so those before the latest are of no use any more. */
  #see(bytes: Uint8Array): void {
    if (this.#last !== undefined) freeBytes(this.#last);
    this.#last = bytes;
    if (this.#said.length < MOST_SAID) {
      this.#said += new TextDecoder("latin1").decode(bytes.subarray(0, MOST_SAID));
    }
  }
}
