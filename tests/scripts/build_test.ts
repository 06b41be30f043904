/** What a built executable takes from the place it is started in: nothing. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILD_TARGETS, parseTargets } from "../../scripts/build_targets.ts";
import { compile } from "../../scripts/compile.ts";

const ROOT = join(import.meta.dirname, "../..");

const ENTRY = `
declare const BUILD_RELEASE: string;
const { echo } = await import("./core/lazy/echo.ts");
const data = await echo("echo");
process.stdout.write(JSON.stringify({ release: BUILD_RELEASE, dotenv: process.env.FROM_DOTENV, data }));
`;

const ECHO = `
export function echo(text: string): Promise<string> {
  const worker = new Worker(new URL("./echo_worker.ts", import.meta.url));
  return new Promise((resolve, reject) => {
    worker.onerror = reject;
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.postMessage(text);
  });
}
`;

const scratch = await mkdtemp(join(tmpdir(), "build-test-"));
const hostile = join(scratch, "hostile");
const marker = join(hostile, "preloaded");
const sample = join(scratch, "dist/sample");

beforeAll(async () => {
  await Bun.write(join(scratch, "main.ts"), ENTRY);
  await Bun.write(join(scratch, "core/lazy/echo.ts"), ECHO);
  await Bun.write(
    join(scratch, "core/lazy/echo_worker.ts"),
    "self.onmessage = ({ data }) => postMessage(data);",
  );
  await mkdir(hostile);
  await Bun.write(join(hostile, ".env"), "FROM_DOTENV=yes\n");
  await Bun.write(join(hostile, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  await Bun.write(
    join(hostile, "preload.ts"),
    `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "");`,
  );
  await build();
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function build(): Promise<void> {
  await compile({
    root: scratch,
    entry: "main.ts",
    outfile: sample,
    define: { BUILD_RELEASE: '1.2.3 "x"' },
  });
}

async function run(program: string, args: string[], env: Record<string, string>): Promise<string> {
  await rm(marker, { force: true });
  const child = Bun.spawn([program, ...args], {
    cwd: hostile,
    env,
    stdout: "pipe",
    stderr: "ignore",
    timeout: 5000,
  });
  const text = await child.stdout.text();
  await child.exited;
  return text;
}

const preloads: Record<string, string>[] = [
  {},
  { BUN_OPTIONS: "--preload ./preload.ts" },
  { BUN_OPTIONS: "--config=bunfig.toml" },
];

describe("compile", () => {
  test("builds constants, lazy imports and the workers that those start into one file", async () => {
    expect(JSON.parse(await run(sample, [], {}))).toEqual({
      release: '1.2.3 "x"',
      data: "echo",
    });
    expect(await readdir(join(scratch, "dist"))).toEqual(["sample"]);
  });

  test.each(preloads)("ignores .env, bunfig.toml and %j", async (env) => {
    const text = await run(sample, [], env);
    expect(text).not.toContain("yes");
    expect(await Bun.file(marker).exists()).toBe(false);
  });

  test("the hostile directory does harm what is not built that way", async () => {
    await run(process.execPath, [join(scratch, "main.ts")], {});
    expect(await Bun.file(marker).exists()).toBe(true);
  });

  test("replaces an executable that is running", async () => {
    const running = join(scratch, "dist/running");
    await cp("/bin/sleep", running);
    const child = Bun.spawn([running, "60"]);
    try {
      await compile({ root: scratch, entry: "main.ts", outfile: running });
      expect(child.exitCode).toBeNull();
    } finally {
      child.kill();
      await child.exited;
    }
  });

  test("the same sources give the same bytes", async () => {
    const digest = async (): Promise<string> => Bun.hash(await Bun.file(sample).bytes()).toString();
    const first = await digest();
    await build();
    expect(await digest()).toBe(first);
  });

  test("refuses two workers of one name", async () => {
    const other = join(scratch, "core/other/echo_worker.ts");
    await Bun.write(other, "");
    await expect(build()).rejects.toThrow("Two workers have one name");
    await rm(other);
  });

  test("says what does not compile and leaves the old file", async () => {
    await Bun.write(join(scratch, "broken.ts"), 'import "./missing.ts";');
    const before = await Bun.file(sample).stat();
    await expect(compile({ root: scratch, entry: "broken.ts", outfile: sample })).rejects.toThrow(
      "missing.ts",
    );
    expect((await Bun.file(sample).stat()).ino).toBe(before.ino);
  });
});

describe.skipIf(!await Bun.file(join(ROOT, "dist/runner")).exists())(
  "dist/runner (needs a build)",
  () => {
    test.each(preloads)("runs nothing that the current directory names with %j", async (env) => {
      await run(join(ROOT, "dist/runner"), ["--version"], env);
      expect(await Bun.file(marker).exists()).toBe(false);
    });
  },
);

describe("parseTargets", () => {
  test("no argument is this machine, all is every target", () => {
    expect(parseTargets([])).toBeUndefined();
    expect(parseTargets(["all"])).toBe(BUILD_TARGETS);
    expect(BUILD_TARGETS.map(({ file }) => file)).toEqual([
      "runner-linux-x64",
      "runner-linux-arm64",
      "runner-linux-x64-musl",
      "runner-linux-arm64-musl",
      "runner-darwin-x64",
      "runner-darwin-arm64",
      "runner-windows-x64.exe",
      "runner-windows-arm64.exe",
      "runner-freebsd-x64",
    ]);
  });

  test("an unknown name is an error that lists the known ones", () => {
    expect(() => parseTargets(["linux-x64", "linux-mips"])).toThrow(
      'Unknown target "linux-mips": use all, linux-x64,',
    );
  });
});
