import { expect, test } from "bun:test";
import { LineSplitter } from "../../../core/rpc/framing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function split(chunks: readonly Uint8Array[], maxBytes = 64): readonly string[] {
  const splitter = new LineSplitter(maxBytes);
  return chunks.flatMap((chunk) => [...splitter.push(chunk)]);
}

test("LineSplitter gives the same lines however the bytes are cut", () => {
  const text = bytes("one\r\n\ntwo äöü\nthree\nrest");
  for (let size = 1; size <= text.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < text.length; at += size) chunks.push(text.subarray(at, at + size));
    expect(split(chunks)).toEqual(["one", "two äöü", "three"]);
  }
});

test("LineSplitter keeps its own copy of a line that has not ended", () => {
  const chunk = bytes("begin");
  const splitter = new LineSplitter(64);
  expect([...splitter.push(chunk)]).toEqual([]);
  chunk.fill(0x58);
  expect([...splitter.push(bytes("ning\n"))]).toEqual(["beginning"]);
});

test("LineSplitter refuses a line that is too long, also before its end has come", () => {
  expect(split([bytes(`${"x".repeat(63)}\n`)])).toEqual(["x".repeat(63)]);
  expect(() => split([bytes(`${"x".repeat(64)}\n`)])).toThrow("longer than 64 bytes");
  expect(() => split([bytes("x".repeat(40)), bytes("x".repeat(40))])).toThrow("longer than 64");
});

test("LineSplitter refuses what is no UTF-8", () => {
  expect(() => split([new Uint8Array([0xff, 0xfe, 0x0a])])).toThrow("no UTF-8");
});
