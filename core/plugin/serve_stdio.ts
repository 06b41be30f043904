/** A plugin's process: served on the standard streams. */

import { ProtocolViolation } from "../rpc/message.ts";
import { stdioTransport } from "../rpc/stdio_transport.ts";
import { killTree } from "../util/process_tree.ts";
import { MAX_LINE_BYTES, PLUGIN_MARK } from "./protocol.ts";
import { type Plugin, servePlugin } from "./serve.ts";

/**
 * Resolves when the host has gone, and with it all jobs and whatever else the plugin had started.
 * What is printed by `console` goes to standard error meanwhile, and so to the runner's log.
 */
export async function serveOnStdio(plugin: Plugin): Promise<void> {
  for (const method of ["log", "info", "debug"] as const) console[method] = console.error;
  try {
    await servePlugin(plugin, stdioTransport({ maxLineBytes: MAX_LINE_BYTES }));
  } catch (error) {
    // Nothing that the plugin's author could mend.
    if (!(error instanceof ProtocolViolation)) throw error;
    console.error(`The host does not keep to the protocol: ${error.message}`);
    process.exitCode = 1;
  } finally {
    const mark = process.env[PLUGIN_MARK] ?? "";
    if (mark !== "") await killTree(`${PLUGIN_MARK}=${mark}`);
  }
}
