import { expect, test } from "bun:test";
import { cut, oneLine, pad, shorten, widthOf } from "../../../../core/local/views/text_width.ts";

test("cut cuts what is wider than the terminal, and only that", () => {
  expect(cut("\x1b[31mred\x1b[0m", 3)).toBe("\x1b[31mred\x1b[0m");
  expect(cut("\x1b[31mfour\x1b[0m", 3)).toBe("fo…");
  expect(cut("日本語", 4)).toBe("日…");
  expect(cut("four", 0)).toBe("");
});

test("shorten keeps the beginning and the end", () => {
  expect(shorten("build: [linux, x64]", 12)).toBe("build:… x64]");
  expect(shorten("build", 5)).toBe("build");
  expect(shorten("日本語のジョブ", 8)).toBe("日本…ブ");
  expect(shorten("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 5)).toBe("👩‍👩‍👧‍👦…👩‍👩‍👧‍👦");
  expect(shorten("four", 1)).toBe("…");
});

test("pad counts cells and not characters", () => {
  expect(widthOf(pad("日本", 6))).toBe(6);
  expect(pad("12345", 3)).toBe("12345");
});

test("oneLine takes away what a terminal would act upon", () => {
  expect(oneLine("a\r\nb\tc\x1b[2Jd\x9b2Je")).toBe("a b cd 2Je");
});
