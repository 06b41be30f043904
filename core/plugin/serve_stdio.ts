/** A plugin's process: served on the standard streams. */

import { stdioTransport } from "../rpc/stdio_transport.ts";
import { MAX_LINE_BYTES } from "./protocol.ts";
import { type Plugin, servePlugin } from "./serve.ts";

/** Resolves when the host has gone and all jobs with it. */
export async function serveOnStdio(plugin: Plugin): Promise<void> {
  await servePlugin(plugin, stdioTransport({ maxLineBytes: MAX_LINE_BYTES }));
}
