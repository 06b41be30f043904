/** Flags that the cache commands share, and what is read from them. */

import { readFileSync } from "node:fs";
import type { TransferOptions } from "../cache/transfer.ts";
import { ConfigurationError } from "../errors.ts";
import { METER_FLAGS, RETRY_FLAGS } from "./common_flags.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperContext } from "./helper_command.ts";

export const CACHE_FLAGS: readonly HelperFlag[] = [
  ...RETRY_FLAGS,
  ...METER_FLAGS,
  { name: "file", type: "string", help: "Path of the archive on this machine" },
  { name: "url", type: "string", help: "Signed URL of the archive in the object storage" },
  { name: "timeout", type: "int", default: "10", help: "Limit of one request, in minutes" },
  { name: "env-file", type: "string", help: "File of KEY=VALUE lines, read before the transfer" },
  { name: "gocloud-url", type: "string", help: "Not supported; use a signed URL" },
  {
    name: "transfer-buffer-size",
    type: "int",
    env: "CACHE_TRANSFER_BUFFER_SIZE",
    default: "4194304",
    help: "Accepted and not used",
  },
  {
    name: "chunk-size",
    type: "int",
    env: "CACHE_CHUNK_SIZE",
    default: "16777216",
    help: "Accepted and not used",
  },
  {
    name: "concurrency",
    type: "int",
    env: "CACHE_CONCURRENCY",
    default: "16",
    help: "Accepted and not used",
  },
];

/** What a transfer and its repetitions need. Throws ConfigurationError for what is not supported. */
export function cacheTransfer(values: HelperValues, context: HelperContext) {
  if (values.text("gocloud-url") !== "" && values.text("url") === "") {
    throw new ConfigurationError("Cache URLs of the gocloud kind are not supported: use --url");
  }
  const minutes = values.int("timeout");
  const options: TransferOptions = {
    timeoutMs: (minutes > 0 ? minutes : DEFAULT_TIMEOUT_MINUTES) * 60_000,
    env: { ...context.env, ...readEnvFile(values.text("env-file")) },
    signal: context.signal,
  };
  const retry = {
    tries: 1 + Math.max(0, values.int("retry")),
    pauseMs: values.durationMs("retry-time"),
    onRetry: (error: Error) => context.logger.warning("Retrying...", { error: error.message }),
    signal: context.signal,
  };
  return { options, retry };
}

const DEFAULT_TIMEOUT_MINUTES = 10;

function readEnvFile(path: string): Record<string, string> {
  if (path === "") return {};
  const lines = readFileSync(path, "utf8").split(/\r?\n/);
  return Object.fromEntries(
    lines.map((line) => /^([^=#\s]+)=(.*)$/.exec(line)).filter((match) => match !== null)
      .map(([, name = "", value = ""]) => [name, value]),
  );
}
