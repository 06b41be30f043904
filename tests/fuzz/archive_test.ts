/** Random damage to archives: extraction ends, with problems or an error, and stays inside. */

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ArchiveError } from "../../core/archive/entry.ts";
import { decodePax, decodeTarHeader, TAR_BLOCK } from "../../core/archive/tar_header.ts";
import { randomNumbers } from "./random.ts";
import { pack, rawZip, scratch, unpack, writeTree } from "../core/archive/support.ts";

/** A few bytes changed, most often to values that mean something to a parser. */
function damaged(whole: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(whole);
  const special = [0, 1, 0x2e, 0x2f, 0x5c, 0x7f, 0x80, 0xff];
  for (let count = 1 + random(8); count > 0; count--) {
    const at = random(copy.length);
    copy[at] = random(2) === 0 ? special[random(special.length)]! : random(256);
  }
  if (random(4) === 0) return copy.subarray(0, random(copy.length));
  if (random(8) === 0) return Buffer.concat([copy.subarray(random(40)), copy]);
  return copy;
}

async function seedArchives(root: string, archive: string): Promise<Buffer[]> {
  writeTree(root, { "dir/a": "text ".repeat(60), "dir/b": "", "x": "y".repeat(300) });
  symlinkSync("dir/a", join(root, "link"));
  const seeds: Buffer[] = [];
  for (const format of ["zip", "zipzstd", "tarzstd"] as const) {
    await pack(root, archive, { format });
    seeds.push(readFileSync(archive));
  }
  seeds.push(rawZip([
    { name: "../up", data: "x" },
    { name: "l", data: "..", mode: 0o120777 },
    { name: "l/../../x", data: "x" },
    { name: "ok/ok", data: "ok" },
  ]));
  return seeds;
}

/** Also directories that an archive has closed to their own user. */
function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true });
  } catch {
    Bun.spawnSync(["chmod", "-R", "u+rwX", path]);
    rmSync(path, { recursive: true });
  }
}

for (const seed of [1, 2, 3]) {
  test(`extractArchive survives damage and stays inside (seed ${seed})`, async () => {
    using temporary = scratch();
    const random = randomNumbers(seed);
    const archive = join(temporary.path, "archive");
    const seeds = await seedArchives(temporary.directory("from"), archive);
    const cage = temporary.directory("cage");
    const to = join(cage, "to");
    let extracted = 0;
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      mkdirSync(to);
      symlinkSync("..", join(to, "dir"));
      writeFileSync(archive, damaged(seeds[round % seeds.length]!, random));
      try {
        await unpack(archive, to);
        extracted++;
      } catch (error) {
        expect(error).toBeInstanceOf(ArchiveError);
        refused++;
      }
      expect(readdirSync(cage)).toEqual(["to"]);
      removeTree(to);
    }
    expect(extracted).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
  });
}

test("decodeTarHeader and decodePax take any bytes", () => {
  const random = randomNumbers(7);
  for (let round = 0; round < 2000; round++) {
    const block = Buffer.from(Array.from({ length: TAR_BLOCK }, () => random(256)));
    const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    try {
      decodeTarHeader(block);
    } catch (error) {
      expect(error).toBeInstanceOf(ArchiveError);
    }
    decodePax(Buffer.concat([Buffer.from(`${random(200)} a=`), block]));
  }
});
