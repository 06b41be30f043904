/** An archive of a size that needs zip64, in little memory. */

import { afterAll, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { output } from "./lab.ts";
import { EXECUTABLE } from "./runner_process.ts";

const root = mkdtempSync(join(tmpdir(), "runner-large-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const LIMIT_MS = 180_000;
/** Of one helper process. The runtime alone takes 60 MiB. */
const MOST_MEMORY_MIB = 300;

const { bavail, bsize } = statfsSync(root);
const hasRoom = bavail * bsize > 6 * 2 ** 30;
const SUFFIX = hasRoom ? "" : ": NOT RUN, needs 6 GiB of disk";

/** Runs a helper command in `cwd`; its peak memory is bounded. */
async function helper(cwd: string, ...argv: readonly string[]): Promise<void> {
  const child = Bun.spawn([EXECUTABLE, ...argv], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", CACHE_COMPRESSION_LEVEL: "fastest" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const stderr = await new Response(child.stderr).text();
  if (await child.exited !== 0) throw new Error(stderr);
  expect((child.resourceUsage()?.maxRSS ?? 0) / 2 ** 20).toBeLessThan(MOST_MEMORY_MIB);
}

test.skipIf(!hasRoom)(
  `a file of more than 4 GiB is packed and unpacked in bounded memory${SUFFIX}`,
  async () => {
    const size = 2 ** 32 + 12_345;
    mkdirSync(join(root, "from"));
    mkdirSync(join(root, "to"));
    writeFileSync(join(root, "from/big"), "begin");
    truncateSync(join(root, "from/big"), size);
    const archive = join(root, "big.zip");
    await helper(join(root, "from"), "cache-archiver", "--file", archive, "--path", "big");
    expect(await output(["unzip", "-l", archive])).toMatch(new RegExp(`^ *${size} .* big$`, "m"));
    rmSync(join(root, "from"), { recursive: true });
    await helper(join(root, "to"), "cache-extractor", "--file", archive);
    expect(statSync(join(root, "to/big")).size).toBe(size);
    expect(await output(["head", "-c", "5", join(root, "to/big")])).toBe("begin");
    rmSync(join(root, "to"), { recursive: true });
  },
  LIMIT_MS,
);
