import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { existsSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStateDir } from "../../../core/runner/state_dir.ts";

const scratch = mkdtempSync(join(tmpdir(), "state-dir-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function configIn(name: string): string {
  const directory = join(scratch, name);
  mkdirSync(directory);
  return join(directory, "config.toml");
}

test("openStateDir() gives a private directory beside config.toml, and the same one again", () => {
  const config = configIn("again");
  const first = openStateDir(config);
  expect(first.path).toBe(join(scratch, "again/.runner_state/config.toml/0"));
  expect(statSync(join(first.path, "jobs")).mode & 0o777).toBe(0o700);
  expect(first.warning).toBeUndefined();
  first[Symbol.dispose]();
  using second = openStateDir(config);
  expect(second.path).toBe(first.path);
});

test("openStateDir() gives two managers of one config.toml a directory each", () => {
  const config = configIn("two");
  using first = openStateDir(config);
  using second = openStateDir(config);
  expect(second.path).not.toBe(first.path);
});

test("openStateDir() takes over the jobs of managers that are gone, and of no others", () => {
  const config = configIn("takeover");
  using first = openStateDir(config);
  const second = openStateDir(config);
  mkdirSync(join(first.path, "jobs/1-alive"));
  mkdirSync(join(second.path, "jobs/2-orphan"));
  second[Symbol.dispose]();
  const third = openStateDir(config);
  expect(third.path).toBe(second.path);
  expect(readdirSync(join(third.path, "jobs"))).toEqual(["2-orphan"]);
  third[Symbol.dispose]();
  first[Symbol.dispose]();
  using last = openStateDir(config);
  expect(last.path).toBe(first.path);
  expect(readdirSync(join(last.path, "jobs")).sort()).toEqual(["1-alive", "2-orphan"]);
});

test("openStateDir() names a directory that it cannot use", () => {
  const config = configIn("file");
  writeFileSync(join(scratch, "file/.runner_state"), "in the way");
  expect(() => openStateDir(config)).toThrow(
    /Cannot use ".*\.runner_state\/config.toml" to keep jobs in/,
  );
});

/** Root may write anywhere but on what the kernel itself protects. */
const READ_ONLY = "/sys/config.toml";

test.skipIf(!existsSync("/sys/kernel"))(
  "openStateDir() falls back to a private temporary directory where it may not write",
  () => {
    using state = openStateDir(READ_ONLY, scratch);
    expect(state.path).toStartWith(join(scratch, "runner-state-"));
    expect(state.warning).toContain('"/sys" cannot be written');
  },
);
