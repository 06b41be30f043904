import { describe, expect, test } from "bun:test";
import { StartMark } from "../../../executors/docker/start_mark.ts";

function marked() {
  const taken: string[] = [];
  const output = { write: (bytes: Uint8Array) => void taken.push(Buffer.from(bytes).toString()) };
  const mark = new StartMark(output);
  const text = /^printf '%s' '(.*)'\n/.exec(mark.before("true"))?.[1] ?? "";
  return { mark, text, taken };
}

describe("StartMark", () => {
  test("takes its mark out of the output, however that is cut", () => {
    const { length } = marked().text;
    expect(length).toBeGreaterThan(10);
    for (let size = 1; size <= length + 10; size++) {
      const { mark, text, taken } = marked();
      const all = Buffer.from(`before \x1e${text}after`);
      for (let at = 0; at < all.length; at += size) void mark.write(all.subarray(at, at + size));
      expect(taken.join("")).toBe("before \x1eafter");
      expect(mark.isSeen).toBe(true);
    }
  });

  test("finds its mark in either stream, and keeps what each has for itself", async () => {
    const { mark, text, taken } = marked();
    await mark.write(Buffer.from("out \x1e"), "stdout");
    await mark.write(Buffer.from(`err ${text.slice(0, 5)}`), "stderr");
    await mark.write(Buffer.from(`${text.slice(5)}script`), "stderr");
    expect(mark.isSeen).toBe(true);
    await mark.write(Buffer.from("more"), "stdout");
    await mark.end();
    expect(taken).toEqual(["out ", "err ", "script", "\x1emore"]);
  });

  test("hands on all of an output without it, in the end", async () => {
    const { mark, text, taken } = marked();
    await mark.write(Buffer.from(`no script ${text.slice(0, -1)}`));
    await mark.end();
    expect(taken.join("")).toBe(`no script ${text.slice(0, -1)}`);
    expect(mark.isSeen).toBe(false);
  });

  test("is in no script twice", () => {
    expect(marked().text).not.toBe(marked().text);
  });
});
