/** The servers of both SDKs as processes: whatever is written to them. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { codeOf } from "../../core/errors.ts";
import {
  AbortReason,
  HOST_METHODS,
  PLUGIN_METHODS,
  PLUGIN_NOTICES,
} from "../../core/plugin/protocol.ts";
import { randomNumbers } from "./random.ts";

const LINES = 100_000;
const FIXTURES = resolve(import.meta.dir, "../fixtures/plugins");
const MOST_RSS_BYTES = 400 * 1024 * 1024;

const scratch = mkdtempSync(join(tmpdir(), "plugin-fuzz-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const INITIALIZE = {
  protocol_versions: [1],
  host: {
    name: "fuzz",
    version: "1",
    os: "linux",
    arch: "amd64",
    system_id: "s",
    executable: "/r",
  },
  runner: {
    name: "fuzz",
    url: "https://gitlab.example.com",
    id: 1,
    short_token: "abcdefghi",
    executor: "still",
    builds_dir: "",
    cache_dir: "",
    shell: "",
    environment: [],
    feature_flags: {},
    custom_build_dir: {},
    config: {},
  },
  state_dir: scratch,
  max_line_bytes: 4 * 1024 * 1024,
  output_window_bytes: 1024,
};

type Random = (below: number) => number;

const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)]!;

/** Anything that JSON can say, mostly small. */
function someValue(random: Random, depth = 0): unknown {
  const plain: readonly unknown[] = [
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    "",
    "x",
    "\u0000\ud800é",
    {},
    [],
  ];
  if (depth > 2 || random(3) > 0) return pick(random, plain);
  return random(2) === 0
    ? Array.from({ length: random(4) }, () => someValue(random, depth + 1))
    : Object.fromEntries(Array.from({ length: random(4) }, () => [
      pick(random, ["handle", "id", "kind", "argv", "__proto__", "constructor", "data"]),
      someValue(random, depth + 1),
    ]));
}

/** Right parameters of a method, with some of them replaced or left out now and then. */
function someParams(random: Random, method: string, handle: string): unknown {
  const command = {
    handle,
    stage: "step_script",
    script: "echo é\n",
    invocation: { argv: ["bash"], script: { kind: "stdin" } },
    target: "build",
  };
  const right: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    initialize: INITIALIZE,
    "executor/prepare": {
      handle,
      job: { id: 1, token: "t", job_info: { name: "n", stage: "s", project_id: 1 } },
      slot: { runner: 0, project: 0 },
      tls: {},
    },
    "executor/run": command,
    "executor/terminal": { ...command, columns: 80, rows: 24 },
    "executor/put_file": { handle, name: "f", size: 3, sha256: "0".repeat(64) },
    "executor/finish": { handle, result: { kind: "success" } },
    "executor/cleanup": { handle },
    "executor/reap": { note: { a: 1 } },
  };
  const params: Record<string, unknown> = { ...right[method] };
  for (const name of Object.keys(params)) {
    if (random(12) > 0) continue;
    if (random(3) === 0) delete params[name];
    else params[name] = someValue(random);
  }
  return random(30) === 0 ? someValue(random) : params;
}

const METHODS = [...Object.values(HOST_METHODS), { name: "no/such" }, { name: "__proto__" }]
  .map(({ name }) => name);

const Answer = z.union([
  z.strictObject({ jsonrpc: z.literal("2.0"), id: z.int(), result: z.unknown() }),
  z.strictObject({
    jsonrpc: z.literal("2.0"),
    id: z.int(),
    error: z.object({ code: z.int(), message: z.string().min(1), data: z.unknown().optional() }),
  }),
]);
const Asked = z.strictObject({
  jsonrpc: z.literal("2.0"),
  id: z.int().optional(),
  method: z.string(),
  params: z.unknown(),
});
const SHAPES = [...Object.values(HOST_METHODS), ...Object.values(PLUGIN_METHODS)];
const NOTICES = [
  ...Object.values(PLUGIN_NOTICES),
  { name: "$/cancel", params: z.strictObject({ id: z.int(), reason: AbortReason }) },
];

/** A plugin's process, and what it says, checked as it comes. */
class Server {
  readonly #child;
  readonly #asked = new Map<number, string>();
  readonly handles: string[] = [];
  readonly stderr: Promise<string>;
  readonly #reading: Promise<void>;
  answers = 0;
  results = 0;
  #lastId = 0;
  #wake = () => {};

  constructor(argv: readonly string[]) {
    this.#child = Bun.spawn([...argv], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.stderr = new Response(this.#child.stderr).text();
    this.#reading = this.#read();
    this.#reading.catch(() => {});
  }

  get rssBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  request(method: string, params: unknown): string {
    const id = ++this.#lastId;
    this.#asked.set(id, method);
    return JSON.stringify({ jsonrpc: "2.0", id, method, params });
  }

  /** What a process that has ended does not take is dropped: its end tells more. */
  write(lines: string | Uint8Array): void {
    try {
      Promise.resolve(this.#child.stdin.write(lines)).catch(() => {});
    } catch (error) {
      if (codeOf(error) !== "EPIPE") throw error;
    }
  }

  /** Resolves when what was written is read, and all but `most` requests are answered. */
  async calm(most: number): Promise<void> {
    await this.#child.stdin.flush();
    while (this.#asked.size > most) {
      const ended = this.#child.exited.then(() => this.stderr);
      const read = this.#reading.then(() => undefined);
      const why = await Promise.race([new Promise<void>((wake) => this.#wake = wake), ended, read]);
      if (why !== undefined) throw new Error(`It has ended: ${why}`);
    }
  }

  /** All requests are answered, the process ends by itself, and what it says is in form. */
  async end(limitMs = 15_000): Promise<number> {
    Promise.resolve(this.#child.stdin.end()).catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    const code = await this.#child.exited;
    clearTimeout(timer);
    expect(this.#child.signalCode).toBeNull();
    await this.#reading;
    return code;
  }

  get unanswered(): readonly string[] {
    return [...this.#asked.values()];
  }

  async #read(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder("utf-8", { fatal: true });
    for await (const bytes of this.#child.stdout) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line));
      this.#wake();
    }
    this.#wake();
    expect(rest).toBe("");
  }

  #take(message: Record<string, unknown>): void {
    if ("method" in message) {
      const { id, method, params } = Asked.parse(message);
      const shape = id === undefined
        ? NOTICES.find(({ name }) => name === method)
        : SHAPES.find(({ name }) => name === method);
      shape!.params.parse(params);
      if (id === undefined) return;
      const result = method === "file/read" ? { data: "YWJj" } : {};
      this.write(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);
      return;
    }
    const answer = Answer.parse(message);
    const method = this.#asked.get(answer.id);
    expect(method).toBeDefined();
    this.#asked.delete(answer.id);
    this.answers++;
    if (!("result" in answer)) return;
    this.results++;
    const result = SHAPES.find(({ name }) => name === method)!.result.parse(answer.result) as {
      handle?: string;
    };
    if (result.handle !== undefined) this.handles.push(result.handle);
  }
}

/** One line that no correct host writes, as bytes. */
function someViolation(random: Random): Uint8Array | string {
  const line = JSON.stringify({ jsonrpc: "2.0", id: 77, method: "executor/acquire", params: {} });
  switch (random(9)) {
    case 0:
      return `${line.slice(0, random(line.length - 1) + 1)}\n`;
    case 1:
      return Uint8Array.from([0xff, 0xfe, random(256), 0x0a]);
    case 2:
      return `${"[".repeat(100_000)}\n`;
    case 3:
      return `${JSON.stringify({ jsonrpc: "2.0", id: 1e15 + random(9), result: {} })}\n`;
    case 4:
      return `${JSON.stringify("x".repeat(5 * 1024 * 1024))}\n`;
    case 5:
      return `${JSON.stringify({ jsonrpc: "1.0", id: 1, method: "shutdown" })}\n`;
    case 6:
      return `${JSON.stringify({ jsonrpc: "2.0", id: { a: 1 }, method: "shutdown" })}\n`;
    case 7:
      return `${
        JSON.stringify({
          jsonrpc: "2.0",
          method: "job/credit",
          params: { handle: "x", bytes: "y" },
        })
      }\n`;
    default:
      return `${JSON.stringify(someValue(random))}\n`;
  }
}

const SERVERS: readonly (readonly [string, readonly string[], boolean])[] = [
  ["TypeScript", [process.execPath, join(FIXTURES, "still_plugin.ts")], true],
  ["TypeScript, in Node (needs node)", ["node", stillInNode()], Bun.which("node") !== null],
  [
    "Python (needs python3)",
    ["python3", join(FIXTURES, "still.py")],
    Bun.which("python3") !== null,
  ],
];

/** The plugin of the first one, without types and with the package that Node takes. */
function stillInNode(): string {
  const sdk = join(scratch, "sdk");
  const root = resolve(import.meta.dir, "../..");
  Bun.spawnSync([process.execPath, join(root, "scripts/build_sdk.ts"), sdk]);
  mkdirSync(join(scratch, "node_modules"));
  symlinkSync(join(root, "node_modules/zod"), join(scratch, "node_modules/zod"));
  const text = readFileSync(join(FIXTURES, "still_plugin.ts"), "utf8")
    .replace("../../../sdk/typescript/serve.ts", join(sdk, "node.js"));
  const path = join(scratch, "still.mjs");
  writeFileSync(path, new Bun.Transpiler({ loader: "ts" }).transformSync(text));
  return path;
}

describe.each(SERVERS)("the server of the SDK in %s", (_name, argv, isThere) => {
  test.skipIf(!isThere)(`answers ${LINES} random requests, each once and in form`, async () => {
    const random = randomNumbers(21);
    const server = new Server(argv);
    server.write(`${server.request("initialize", INITIALIZE)}\n`);
    for (let written = 1; written < LINES;) {
      const lines: string[] = [];
      for (; lines.length < 250; written++) {
        const known = server.handles.length;
        const method = known < 5 ? "executor/acquire" : pick(random, METHODS);
        if (method === "executor/acquire" && known > 20) continue;
        const handle = random(10) === 0 ? "unknown" : server.handles[random(known)] ?? "none";
        if (method === "executor/cleanup") server.handles.splice(server.handles.indexOf(handle), 1);
        lines.push(server.request(method, someParams(random, method, handle)));
        if (random(20) === 0) {
          const params = { id: random(written), reason: someValue(random) };
          lines.push(JSON.stringify({ jsonrpc: "2.0", method: "$/cancel", params }));
        }
        if (random(50) === 0) {
          lines.push(
            JSON.stringify({ jsonrpc: "2.0", method: "no/such", params: someValue(random) }),
          );
        }
      }
      server.write(`${lines.join("\n")}\n`);
      await server.calm(200);
    }
    await server.calm(0);
    const rss = server.rssBytes;
    server.write(`${server.request("shutdown", {})}\n`);
    expect(await server.end()).toBe(0);
    expect(server.unanswered).toEqual([]);
    expect(server.results).toBeGreaterThan(LINES / 5);
    expect(rss).toBeLessThan(MOST_RSS_BYTES);
  }, 150_000);

  test.skipIf(!isThere)(
    "ends by itself after a line that is no message, and says why",
    async () => {
      const random = randomNumbers(22);
      for (let round = 0; round < 40; round++) {
        const server = new Server(argv);
        server.write(`${server.request("initialize", INITIALIZE)}\n`);
        server.write(someViolation(random));
        server.write(`${server.request("shutdown", {})}\n`);
        await server.end();
        const said = await server.stderr;
        expect(said).not.toContain("Traceback");
        expect(said).not.toMatch(/^\s+at /m);
        if (said !== "") expect(said).toStartWith("The host does not keep to the protocol: ");
      }
    },
    110_000,
  );
});
