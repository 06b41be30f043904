/** Errors and reasons of an abort, on the wire and off it. */

import {
  ConfigurationError,
  type FailureReason,
  JobConfigurationError,
  messageOf,
  RunnerError,
  SystemFailure,
} from "../errors.ts";
import { RPC_CODES, type RpcFailure } from "../rpc/message.ts";
import type { RpcCodec } from "../rpc/peer.ts";
import {
  DeadlineExceeded,
  JobAborted,
  JobCanceled,
  JobTimedOut,
  ProcessShutdown,
} from "../util/abort.ts";
import { ExecutorDisposed, graceFor } from "../util/grace.ts";
import { AbortReason } from "./protocol.ts";

const CODES = { systemFailure: -32001, jobConfiguration: -32002, configuration: -32003 } as const;

/** What a plugin may give as the reason of a system failure; anything else counts as the first. */
const REASONS: readonly FailureReason[] = [
  "runner_system_failure",
  "image_pull_failure",
  "runner_external_dependency_failure",
  "runner_configuration_error",
  "script_failure",
];

/** `graceMs`: how long processes may usually take to end. */
export function pluginCodec(graceMs: () => number): RpcCodec {
  return {
    encodeError,
    decodeError,
    encodeReason: (reason) => encodeReason(reason, graceMs()),
    decodeReason,
  };
}

function encodeError(error: unknown): RpcFailure {
  const message = messageOf(error);
  if (error instanceof SystemFailure) {
    const data = { kind: "system-failure", reason: error.reason };
    return { code: CODES.systemFailure, message, data };
  }
  if (error instanceof JobConfigurationError) {
    return { code: CODES.jobConfiguration, message, data: { kind: "job-configuration" } };
  }
  if (error instanceof ConfigurationError) {
    return { code: CODES.configuration, message, data: { kind: "configuration" } };
  }
  return { code: RPC_CODES.internalError, message };
}

/** A sentence for people; what a plugin sends may be as long as a line. */
const MOST_CHARACTERS = 4096;

function decodeError({ code, data, ...failure }: RpcFailure): Error {
  const message = failure.message.slice(0, MOST_CHARACTERS);
  switch (code) {
    case CODES.systemFailure:
      return new SystemFailure(message, { reason: reasonOf(data) });
    case CODES.jobConfiguration:
      return new JobConfigurationError(message);
    case CODES.configuration:
      return new ConfigurationError(message);
    default:
      return new RunnerError(message);
  }
}

function reasonOf(data: unknown): FailureReason {
  const given = typeof data === "object" && data !== null && "reason" in data ? data.reason : "";
  return REASONS.find((reason) => reason === given) ?? "runner_system_failure";
}

function encodeReason(reason: unknown, usualMs: number): AbortReason {
  return { kind: kindOf(reason), message: messageOf(reason), grace_ms: graceFor(reason, usualMs) };
}

function kindOf(reason: unknown): AbortReason["kind"] {
  if (reason instanceof JobCanceled) return "canceled";
  if (reason instanceof JobTimedOut || reason instanceof DeadlineExceeded) return "timeout";
  if (reason instanceof ExecutorDisposed) return "disposed";
  return reason instanceof ProcessShutdown ? "shutdown" : "aborted";
}

/** A reason that cannot be read is the strictest one. */
function decodeReason(wire: unknown): Error {
  const parsed = AbortReason.safeParse(wire);
  if (!parsed.success) return new ExecutorDisposed();
  const { kind, message } = parsed.data;
  switch (kind) {
    case "canceled":
      return new JobCanceled();
    case "timeout":
      return new JobTimedOut(message);
    case "aborted":
      return new JobAborted(message);
    case "shutdown":
      return new ProcessShutdown(true);
    case "disposed":
      return new ExecutorDisposed();
  }
}
