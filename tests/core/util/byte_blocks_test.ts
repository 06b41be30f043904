import { expect, test } from "bun:test";
import { ByteBlocks } from "../../../core/util/byte_blocks.ts";

test("ByteBlocks keeps records in order, none cut, whatever their sizes", () => {
  const blocks = new ByteBlocks();
  const wanted: Buffer[] = [];
  for (let n = 0; n < 3000; n++) {
    const record = Buffer.alloc(n % 700, n);
    wanted.push(record);
    blocks.append(record.length + 300, (block, at) => at + record.copy(block, at));
  }
  const large = Buffer.alloc(1 << 20, 1);
  blocks.append(large.length, (block, at) => at + large.copy(block, at));
  const all = Buffer.concat([...wanted, large]);
  expect(blocks.size).toBe(all.length);
  expect(Buffer.concat([...blocks]).equals(all)).toBe(true);
});

test("ByteBlocks without records has no bytes", () => {
  expect(Buffer.concat([...new ByteBlocks()]).length).toBe(0);
});
