// deno-lint-ignore-file no-console
/** A plugin as a program of its own. */

import type { Plugin } from "../../core/plugin/serve.ts";
import { serveOnStdio } from "../../core/plugin/serve_stdio.ts";
import { ProtocolViolation } from "../../core/rpc/message.ts";

/**
 * Serves until the host has gone; then all jobs have ended, and whatever else the plugin had started.
 * What it prints with `console` goes to standard error, and so to the runner's log.
 */
export async function servePlugin(plugin: Plugin): Promise<void> {
  for (const method of ["log", "info", "debug"] as const) console[method] = console.error;
  try {
    await serveOnStdio(plugin, { env: process.env });
  } catch (error) {
    // Nothing that the plugin's author could mend.
    if (!(error instanceof ProtocolViolation)) throw error;
    console.error(`The host does not keep to the protocol: ${error.message}`);
    process.exitCode = 1;
  }
}
