import { expect, test } from "bun:test";
import type { OutputSink, OutputStream } from "../../../core/executor.ts";
import { ContainerOutput } from "../../../executors/docker/container_output.ts";
import { SILENT } from "../../conformance/executor_suite.ts";

const NEVER = new AbortController().signal;
const CUT = "Error: read unixpacket @->/proc/self/fd/20/attach: read: connection reset by peer\n";

type Piece = readonly [OutputStream, string];

async function send(sink: OutputSink, pieces: readonly Piece[]): Promise<void> {
  for (const [stream, text] of pieces) await sink.write(new TextEncoder().encode(text), stream);
}

/** An engine whose log of the container has these pieces so far. */
function setUp(log: Piece[]) {
  const shown: string[] = [];
  let asked = 0;
  const sink: OutputSink = {
    write: (bytes, stream) => void shown.push(`${stream}: ${Buffer.from(bytes)}`),
  };
  const engine = {
    containerLogs: async (_id: string, { output }: { output: OutputSink }) => {
      asked++;
      await send(output, log);
    },
  };
  const output = new ContainerOutput(SILENT);
  const complete = () => output.complete("c", sink, { engine, signal: NEVER });
  return { output, sink, shown, complete, asked: () => asked };
}

test("ContainerOutput takes what podman has cut off from the log, stream by stream", async () => {
  const log: Piece[] = [["stdout", "one\n"], ["stderr", "bad\n"], ["stdout", "two\nthree\n"]];
  const { output, sink, shown, complete } = setUp(log);
  await send(output.to(sink), [["stdout", "one\ntw"], ["stderr", CUT]]);
  await complete();
  expect(shown).toEqual(["stdout: one\ntw", "stderr: bad\n", "stdout: o\nthree\n"]);
});

test("ContainerOutput knows of earlier starts of the container, and of lost connections", async () => {
  const log: Piece[] = [["stdout", "first\n"]];
  const { output, sink, shown, complete, asked } = setUp(log);
  await send(output.to(sink), log);
  await complete();
  expect(asked()).toBe(0);
  log.push(["stdout", "second\n"]);
  await send(output.to(sink), [["stdout", "sec"]]);
  output.noteCut();
  await complete();
  expect(shown).toEqual(["stdout: first\n", "stdout: sec", "stdout: ond\n"]);
});
