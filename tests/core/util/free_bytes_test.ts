import { expect, test } from "bun:test";
import { freeBytes } from "../../../core/util/free_bytes.ts";

test("freeBytes() takes the memory of large bytes, and none that others have a part of", () => {
  const large = new Uint8Array(100_000);
  freeBytes(large.subarray(100));
  expect(large).toHaveLength(0);
  for (const bytes of [new Uint8Array(100), new Uint8Array(100_000).subarray(50_000)]) {
    const before = bytes.length;
    freeBytes(bytes);
    expect(bytes).toHaveLength(before);
  }
  freeBytes(large);
});
