/** The tables of plugins/PROTOCOL.md on errors and reasons, line by line. */

import { expect, test } from "bun:test";
import {
  ConfigurationError,
  JobConfigurationError,
  RunnerError,
  SystemFailure,
} from "../../../core/errors.ts";
import { pluginCodec } from "../../../core/plugin/codec.ts";
import { JobAborted, JobCanceled, JobTimedOut, ProcessShutdown } from "../../../core/util/abort.ts";
import { ExecutorDisposed } from "../../../core/util/grace.ts";

const codec = pluginCodec(() => 30_000);

test.each(
  [
    [-32001, "system-failure", new SystemFailure("no room")],
    [-32002, "job-configuration", new JobConfigurationError("no such image")],
    [-32003, "configuration", new ConfigurationError("root is missing")],
  ] as const,
)("pluginCodec() puts the error %d on the wire and takes it off", (code, kind, error) => {
  const wire = codec.encodeError(error);
  expect(wire).toMatchObject({ code, message: error.message, data: { kind } });
  expect(codec.decodeError(wire)).toEqual(error);
});

test.each([
  "runner_system_failure",
  "image_pull_failure",
  "runner_external_dependency_failure",
  "runner_configuration_error",
  "script_failure",
])("pluginCodec() takes the reason %s from a plugin", (reason) => {
  const data = { kind: "system-failure", reason };
  expect(codec.decodeError({ code: -32001, message: "x", data })).toMatchObject({ reason });
});

test.each([["job_execution_timeout"], [7], [undefined]])(
  "pluginCodec() takes any other reason (%p) as a system failure",
  (reason) => {
    const error = codec.decodeError({ code: -32001, message: "x", data: { reason } });
    expect(error).toMatchObject({ name: "SystemFailure", reason: "runner_system_failure" });
  },
);

test.each([-32700, -32600, -32601, -32602, -32603, -1])(
  "pluginCodec() takes the error %d for the plugin's own",
  (code) => {
    const error = codec.decodeError({ code, message: "broken" });
    expect(error.constructor).toBe(RunnerError);
    expect(error.message).toBe("broken");
  },
);

test("pluginCodec() shortens a message that is as long as a line", () => {
  const { message } = codec.decodeError({ code: -32001, message: "x".repeat(4_000_000) });
  expect(message.length).toBe(4096);
});

test.each(
  [
    ["canceled", new JobCanceled(), 30_000],
    ["timeout", new JobTimedOut("too long"), 30_000],
    ["aborted", new JobAborted("lost"), 30_000],
    ["shutdown", new ProcessShutdown(true), 5000],
    ["disposed", new ExecutorDisposed(), 0],
  ] as const,
)("pluginCodec() says %s with the grace that there is", (kind, reason, graceMs) => {
  const wire = codec.encodeReason(reason);
  expect(wire).toMatchObject({ kind, grace_ms: graceMs });
  expect(codec.decodeReason(wire).name).toBe(reason.name);
});

test("pluginCodec() takes a reason that it cannot read for the strictest", () => {
  expect(codec.decodeReason({ kind: "whatever" })).toBeInstanceOf(ExecutorDisposed);
});
