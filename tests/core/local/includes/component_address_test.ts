import { expect, test } from "bun:test";
import {
  newestVersion,
  parseComponentAddress,
  versionPrefix,
} from "../../../../core/local/includes/component_address.ts";

test("parseComponentAddress takes addresses of the instance apart", () => {
  expect(parseComponentAddress("gitlab.example.com/a/b/c/build@1.0", "gitlab.example.com")).toEqual(
    {
      project: "a/b/c",
      name: "build",
      reference: "1.0",
    },
  );
  expect(parseComponentAddress("localhost:8080/a/b/x@feature/y", "localhost:8080")).toMatchObject({
    name: "x",
    reference: "feature/y",
  });
});

test("parseComponentAddress refuses what is no address", () => {
  for (
    const address of [
      "",
      "build@1",
      "h/p/build@1",
      "h/g/p/build",
      "h/g/p/build@",
      "x/g/p/build@1",
      "h/g//build@1",
    ]
  ) {
    expect([address, parseComponentAddress(address, "h")]).toEqual([address, undefined]);
  }
});

test("newestVersion compares numbers, and leaves out what is no release", () => {
  const tags = ["1.2.0", "1.10.0", "v3.0.0", "2.0.0-rc.1", "nightly", "1.9.9"];
  expect(newestVersion(tags, "")).toBe("1.10.0");
  expect(newestVersion(tags, "1.2.")).toBe("1.2.0");
  expect(newestVersion(tags, "2.")).toBeUndefined();
});

test("versionPrefix knows versions that name no tag", () => {
  expect(["~latest", "1", "1.2", "1.2.3", "main"].map(versionPrefix)).toEqual([
    "",
    "1.",
    "1.2.",
    undefined,
    undefined,
  ]);
});
