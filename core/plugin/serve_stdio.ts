/** A plugin's process: served on the standard streams. */

import { stdioTransport } from "../rpc/stdio_transport.ts";
import { killTree } from "../util/process_tree.ts";
import { MAX_LINE_BYTES, PLUGIN_MARK } from "./protocol.ts";
import { type Plugin, servePlugin } from "./serve.ts";

/**
 * Resolves when the host has gone, and with it all jobs and whatever else the plugin had started:
 * `env` is what the process was started with.
 */
export async function serveOnStdio(
  plugin: Plugin,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  try {
    await servePlugin(plugin, stdioTransport({ maxLineBytes: MAX_LINE_BYTES }));
  } finally {
    const mark = env[PLUGIN_MARK] ?? "";
    if (mark !== "") await killTree(`${PLUGIN_MARK}=${mark}`);
  }
}
