import { expect, test } from "bun:test";
import { ciFile } from "../../../../core/local/replay/ci_file.ts";

test("ciFile() reads every form of the setting", () => {
  const read = (setting: string) => {
    const { path, root } = ciFile(setting);
    return [path, root === undefined ? undefined : JSON.parse(root.text)];
  };
  expect(read("")).toEqual([".gitlab-ci.yml", undefined]);
  expect(read("ci/main.yml")).toEqual(["ci/main.yml", undefined]);
  expect(read("main.yml@group/ci")[1]).toEqual({
    include: [{ project: "group/ci", file: "main.yml" }],
  });
  expect(read("a/main.yml@group/ci:v1")[1]).toEqual({
    include: [{ project: "group/ci", file: "a/main.yml", ref: "v1" }],
  });
  expect(read("https://example.com/ci.yml")[1]).toEqual({
    include: [{ remote: "https://example.com/ci.yml" }],
  });
});
