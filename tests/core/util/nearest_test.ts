import { expect, test } from "bun:test";
import { nearest } from "../../../core/util/nearest.ts";

test("nearest finds the name that differs least", () => {
  expect(nearest("scirpt", ["stage", "script", "services"])).toBe("script");
  expect(nearest("Imagee", ["image"])).toBe("image");
});

test("nearest finds nothing when more than a third of the name differs", () => {
  expect(nearest("deploy", ["script", "image"])).toBeUndefined();
  expect(nearest("x", [])).toBeUndefined();
});
