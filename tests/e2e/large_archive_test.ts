/** Archives of a size that needs zip64, and of very many files, in little memory. */

import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
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

/** Runs a helper command in `cwd`. Its peak memory, which is bounded, in MiB. */
async function helper(
  cwd: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = Bun.spawn([EXECUTABLE, ...argv], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", CACHE_COMPRESSION_LEVEL: "fastest", ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const stderr = await new Response(child.stderr).text();
  if (await child.exited !== 0) throw new Error(stderr);
  const peak = (child.resourceUsage()?.maxRSS ?? Infinity) / 2 ** 20;
  expect(peak).toBeLessThan(MOST_MEMORY_MIB);
  return peak;
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
    await helper(join(root, "from"), ["cache-archiver", "--file", archive, "--path", "big"]);
    expect(await output(["unzip", "-l", archive])).toMatch(new RegExp(`^ *${size} .* big$`, "m"));
    rmSync(join(root, "from"), { recursive: true });
    await helper(join(root, "to"), ["cache-extractor", "--file", archive]);
    expect(statSync(join(root, "to/big")).size).toBe(size);
    expect(await output(["head", "-c", "5", join(root, "to/big")])).toBe("begin");
    rmSync(join(root, "to"), { recursive: true });
  },
  LIMIT_MS,
);

/** Memory is quick to fill with small files; a disk that is shared takes milliseconds for each. */
const RAM = "/dev/shm";
const ramHasRoom = existsSync(RAM) && statfsSync(RAM).bavail * statfsSync(RAM).bsize > 2 ** 30;
const FILE_BYTES = 16 << 10;

/** Peak memory of packing and of unpacking so many files, which all come through. */
async function peaksFor(count: number, format: string) {
  const home = mkdtempSync(join(ramHasRoom ? RAM : root, "runner-many-"));
  try {
    const content = "0123456789abcdef".repeat(FILE_BYTES / 16);
    for (let n = 0; n < count; n++) {
      if (n % 500 === 0) mkdirSync(join(home, `from/files/${n / 500}`), { recursive: true });
      writeFileSync(join(home, `from/files/${Math.floor(n / 500)}/file-${n}`), content);
    }
    mkdirSync(join(home, "to"));
    const archive = join(home, "archive");
    const env = { CACHE_COMPRESSION_FORMAT: format };
    const pack = ["cache-archiver", "--file", archive, "--path", "files"];
    const packing = await helper(join(home, "from"), pack, env);
    const unpacking = await helper(join(home, "to"), ["cache-extractor", "--file", archive], env);
    expect(await output(["diff", "-r", join(home, "from"), join(home, "to")])).toBe("");
    return { packing, unpacking };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

test.each(["zip", "tarzstd"])(
  "20,000 files take little more memory than 2,000, as %s",
  async (format) => {
    const few = await peaksFor(2_000, format);
    const many = await peaksFor(20_000, format);
    // What the files hold is 280 MiB more; of each, its name and place have to be remembered.
    const content = 18_000 * FILE_BYTES / 2 ** 20;
    expect(many.packing - few.packing).toBeLessThan(content * 0.7);
    expect(many.unpacking - few.unpacking).toBeLessThan(content * 0.4);
  },
  LIMIT_MS,
);
