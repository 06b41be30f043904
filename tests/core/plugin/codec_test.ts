import { describe, expect, test } from "bun:test";
import { pluginCodec } from "../../../core/plugin/codec.ts";
import {
  DeadlineExceeded,
  JobAborted,
  JobCanceled,
  JobTimedOut,
  ProcessShutdown,
} from "../../../core/util/abort.ts";
import { ExecutorDisposed } from "../../../core/util/grace.ts";

const codec = pluginCodec(() => 30_000);

describe("pluginCodec()", () => {
  test.each([
    ["canceled", new JobCanceled()],
    ["timeout", new JobTimedOut("execution took longer than 1h0m0s seconds")],
    ["timeout", new DeadlineExceeded("The wait", 5000)],
    ["aborted", new JobAborted("the coordinator ended the job")],
    ["shutdown", new ProcessShutdown(true)],
    ["disposed", new ExecutorDisposed()],
  ])("tells the reason %s of an abort, and its words stay the same", (kind, reason) => {
    const wire = codec.encodeReason(reason);
    expect(wire).toMatchObject({ kind, message: reason.message });
    expect(codec.decodeReason(wire).message).toBe(reason.message);
  });
});
