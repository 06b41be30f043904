/** Whatever comes over the pipe: neither side crashes, hangs, or answers out of form. */

import { expect, test } from "bun:test";
import { z } from "zod";
import { pluginCodec } from "../../core/plugin/codec.ts";
import {
  HOST_METHODS,
  HOST_NOTICES,
  PLUGIN_METHODS,
  PLUGIN_NOTICES,
} from "../../core/plugin/protocol.ts";
import { openProvider, servePlugin } from "../../core/plugin/serve.ts";
import { ProtocolViolation } from "../../core/rpc/message.ts";
import { Peer } from "../../core/rpc/peer.ts";
import { linkedPair, type Transport } from "../../core/rpc/transport.ts";
import { ShellExecutorProvider } from "../../executors/shell/mod.ts";
import { testConfig } from "../conformance/executor_suite.ts";
import { randomNumbers } from "./random.ts";

const LINES = 100_000;

const METHODS = [
  ...Object.values(HOST_METHODS),
  ...Object.values(HOST_NOTICES),
  ...Object.values(PLUGIN_METHODS),
  ...Object.values(PLUGIN_NOTICES),
  { name: "$/cancel" },
  { name: "no/such" },
].map(({ name }) => name);

const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  1e300,
  "",
  "job-1",
  [],
  {},
  { handle: "job-1" },
  { handle: 1 },
  { id: 1, reason: { kind: "canceled" } },
  { id: 1 },
  { note: { a: 1 } },
  { protocol_versions: [2] },
  { protocol_versions: "x" },
  { handle: "job-1", data: "!!!!" },
  { level: "shout", message: 1 },
  { __proto__: null, constructor: {} },
];

/** A line that is often nearly right: what is random all over ends in the first check. */
function someLine(random: (below: number) => number): string {
  const pick = <T>(items: readonly T[]): T => items[random(items.length)]!;
  const message: Record<string, unknown> = { jsonrpc: random(20) === 0 ? "1.0" : "2.0" };
  if (random(3) > 0) message["id"] = pick<unknown>([1, 2, random(1000), "a", null, {}, 1.5]);
  if (random(5) > 0) message["method"] = random(30) === 0 ? 5 : pick(METHODS);
  if (random(4) > 0) message["params"] = pick(VALUES);
  if (random(8) === 0) message["result"] = pick(VALUES);
  if (random(8) === 0) message["error"] = pick<unknown>([{ code: 1, message: "x" }, 1, null]);
  const line = JSON.stringify(message);
  if (random(10) > 0) return line;
  const at = random(line.length);
  return line.slice(0, at) + String.fromCharCode(random(0x300)) + line.slice(at + random(3));
}

const Answer = z.union([
  z.strictObject({
    jsonrpc: z.literal("2.0"),
    id: z.union([z.int(), z.string()]),
    result: z.unknown(),
  }),
  z.strictObject({
    jsonrpc: z.literal("2.0"),
    id: z.union([z.int(), z.string()]),
    error: z.object({ code: z.int(), message: z.string() }),
  }),
]);

/** The transport, telling of every line that is really read. */
function counting(transport: Transport, onLine: () => void): Transport {
  async function* lines() {
    for await (const line of transport.lines) {
      onLine();
      yield line;
    }
  }
  return {
    lines: lines(),
    send: (line) => transport.send(line),
    close: () => transport.close(),
  };
}

test(`a served plugin survives ${LINES} random lines`, async () => {
  const random = randomNumbers(7);
  let [violations, answers, read] = [0, 0, 0];
  while (read < LINES) {
    const [host, side] = linkedPair();
    const serving = servePlugin({
      name: "fuzzed",
      version: "1",
      open: () =>
        openProvider(
          new ShellExecutorProvider({ env: process.env, workingDirectory: "/nonexistent" }),
          testConfig({ executor: "shell" }),
          { graceMs: 0 },
        ),
    }, counting(side, () => read++)).then(() => {}, (error) => {
      expect(error).toBeInstanceOf(ProtocolViolation);
      violations++;
    });
    const reading = (async () => {
      for await (const line of host.lines) {
        const message = JSON.parse(line);
        if ("method" in message) continue;
        Answer.parse(message);
        answers++;
      }
    })();
    for (let n = 0; n < 50; n++) host.send(someLine(random));
    host.close();
    await Promise.all([serving, reading]);
  }
  expect(violations).toBeGreaterThan(100);
  expect(answers).toBeGreaterThan(100);
}, 60_000);

test(`a host survives ${LINES} random lines`, async () => {
  const random = randomNumbers(11);
  let [violations, read] = [0, 0];
  while (read < LINES) {
    const [host, side] = linkedPair();
    const peer = new Peer(counting(host, () => read++), pluginCodec(() => 0));
    for (const notice of Object.values(PLUGIN_NOTICES)) {
      peer.on(notice as typeof PLUGIN_NOTICES.log, () => {});
    }
    peer.handle(PLUGIN_METHODS.remember, () => ({}));
    const running = peer.run().catch((error) => {
      expect(error).toBeInstanceOf(ProtocolViolation);
      violations++;
    });
    const asked = peer.request(HOST_METHODS.acquire, {}).catch(() => {});
    for (let n = 0; n < 50; n++) side.send(someLine(random));
    side.close();
    await Promise.all([running, asked]);
  }
  expect(violations).toBeGreaterThan(100);
}, 60_000);
