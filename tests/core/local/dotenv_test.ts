import { expect, test } from "bun:test";
import { parseDotenv } from "../../../core/local/dotenv.ts";

test("parseDotenv reads keys and values, the last of one key wins", () => {
  const text = "A=1\n\nB=two words \r\nC=\"quoted\"\nD='single'\nE=\nA=3\nF=a=b\n";
  expect(Object.fromEntries(parseDotenv(text)))
    .toEqual({ A: "3", B: "two words", C: "quoted", D: "single", E: "", F: "a=b" });
});

test("parseDotenv refuses what GitLab refuses", () => {
  expect(() => parseDotenv("no equals sign\n")).toThrow("invalid line");
  expect(() => parseDotenv("A-B=1\n")).toThrow("invalid line");
  expect(() => parseDotenv(`A=${"x".repeat(6000)}`)).toThrow("larger than");
});
