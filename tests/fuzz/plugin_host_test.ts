/** A host with a plugin's process: whatever that writes. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PluginExecutorProvider, PluginMarks } from "../../executors/plugin/mod.ts";
import { SILENT, testConfig, testIO, testSpec } from "../conformance/executor_suite.ts";

const LINES = 100_000;
const MOST_RSS_BYTES = 400 * 1024 * 1024;

const scratch = mkdtempSync(join(tmpdir(), "plugin-fuzz-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A plugin that is right at its start and then writes what its seed says. */
const WILD = `
const { randomNumbers } = await import(process.argv[2]);
const random = randomNumbers(Number(process.argv[3]));
const lines = Number(process.argv[4]);
const pick = (items) => items[random(items.length)];
const say = (message) => JSON.stringify({ jsonrpc: "2.0", ...message });
const values = [null, 1, -1, "", "x", {}, [], { handle: "h" }, { handle: 1 }, { handle: "h", data: "AA==" },
  { handle: "h", note: { a: 1 } }, { handle: "h", offset: 0, length: 1 }, { level: "info", message: "m" },
  { handle: "h", style: "plain", text: "t" }, { handle: "other", data: "!" }, { handle: "h", bytes: 1e9 }];
const methods = ["job/output", "job/log", "job/remember", "file/read", "log", "terminal/output",
  "terminal/credit", "$/cancel", "no/such", "initialize", "executor/run"];
function line() {
  const kind = random(wild ? 40 : 60);
  if (wild && kind === 0) return pick(["", "{", "null", "[]", "\\u0000", "x".repeat(random(1000))]);
  if (wild && kind === 1) return say({ id: pick([1, 2, 99, "a", null]), result: pick(values) });
  if (wild && kind === 2) return say({ id: pick([1, 2, 99]), error: pick([{ code: 1, message: "m" }, 5]) });
  if (kind < 30) return say({ id: "q" + random(1e9), method: pick(methods), params: pick(values) });
  if (!wild) return say({ method: pick(["no/such", "$/cancel"]), params: pick(values) });
  return say({ method: pick(methods), params: pick(values) });
}
const wild = process.argv[5] === "wild";
let unanswered = 0;
let taken = () => {};
let rest = "";
for await (const bytes of process.stdin) {
  const all = (rest + bytes).split("\\n");
  rest = all.pop();
  for (const each of all) {
    const { id, method } = JSON.parse(each);
    if (method === undefined) {
      unanswered--;
      taken();
    }
    if (id === undefined || method === undefined) continue;
    if (method === "initialize") write(say({ id, result: { protocol_version: 1, plugin: { name: "w", version: "1" }, features: {}, grace_ms: 0 } }));
    else if (method === "executor/acquire") write(say({ id, result: { kind: "acquired", handle: "h" } }));
    else if (method === "executor/prepare") write(say({ id, result: { os: "linux", builds_dir: "/b", cache_dir: "/c", shell: "bash" } }));
    else if (method === "executor/run") flood(id);
    else write(say({ id, result: {} }));
  }
}
async function flood(id) {
  for (let n = 0; n < lines; n += 100) {
    const batch = Array.from({ length: 100 }, line);
    unanswered = batch.filter((each) => each.includes('"id":"q')).length;
    write(batch.join("\\n"));
    await new Promise((go) => process.stdout.write("", go));
    // Who asks and takes no answers is ended.
    while (!wild && unanswered > 0) await new Promise((go) => taken = go);
  }
  write(say({ id, result: { kind: "exited", code: 0 } }));
}
function write(text) { process.stdout.write(text + "\\n"); }
`;

describe("a host", () => {
  const plugin = join(scratch, "wild.ts");
  const open = (seed: number, lines: number, mode: string) =>
    new PluginExecutorProvider({
      name: "wild",
      env: { PATH: process.env["PATH"] },
      executable: process.execPath,
      marks: new PluginMarks(),
      features: {},
      command: () => ({
        argv: [
          process.execPath,
          plugin,
          join(import.meta.dir, "random.ts"),
          String(seed),
          String(lines),
          mode,
        ],
        environment: [],
        config: {},
      }),
    });
  const runOne = async (seed: number, lines: number, mode: string) => {
    await Bun.write(plugin, WILD);
    await using provider = open(seed, lines, mode);
    const signal = new AbortController().signal;
    const host = { logger: SILENT, systemId: "s", stateDir: join(scratch, `state-${seed}`) };
    const executor = await provider.acquire(testConfig({ executor: "wild" }), { host, signal });
    await executor!.prepare(testSpec(), testIO(), { signal });
    const ended = await executor!.run(
      {
        stage: "step_script",
        script: "",
        invocation: { argv: ["bash"], script: { kind: "stdin" } },
        target: "build",
      },
      testIO(),
      { signal },
    ).catch((error) => error.name);
    await executor![Symbol.asyncDispose]();
    return ended;
  };

  test(`reads ${LINES} random messages of one plugin, and its job ends well`, async () => {
    const before = process.memoryUsage.rss();
    expect(await runOne(31, LINES, "tame")).toEqual({ kind: "exited", code: 0 });
    Bun.gc(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_RSS_BYTES);
  }, 60_000);

  test(
    "fails the job of a plugin that does not keep to the protocol, and nothing else",
    async () => {
      const ends: unknown[] = [];
      for (let seed = 40; seed < 80; seed++) ends.push(await runOne(seed, 2000, "wild"));
      expect(ends.filter((end) => end !== "SystemFailure")).toEqual([]);
    },
    110_000,
  );
});
