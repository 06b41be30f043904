import { expect, test } from "bun:test";
import type { Flag } from "../../../core/cli/flag.ts";
import { normalizeArguments } from "../../../core/cli/normalize.ts";

const flags: readonly Flag[] = [
  { names: ["name", "description"], short: "n", kind: "string", help: "" },
  { names: ["delete"], short: "d", kind: "bool", help: "" },
  { names: ["env"], kind: "list", help: "" },
];

test.each([
  [["--name", "x"], ["--name=x"]],
  [["-name", "x", "-n", "y"], ["--name=x", "--name=y"]],
  [["--description=a=b"], ["--name=a=b"]],
  [["--name", "--delete"], ["--name=--delete"]],
  [["--name="], ["--name="]],
  [["--delete", "-d=false"], ["--delete=true", "--delete=false"]],
  [["--env", "A=1\nB", "--env=C"], ["--env=A=1\nB", "--env=C"]],
  [["--bogus", "-x", "word"], ["--bogus", "-x", "word"]],
  [["--", "--name", "x"], ["--", "--name", "x"]],
  [["--name"], ["--name"]],
])("normalizeArguments brings %p to one form", (argv, expected) => {
  expect(normalizeArguments(argv, flags)).toEqual({ args: expected, suspicious: [] });
});

test("normalizeArguments notices a value behind a boolean flag", () => {
  expect(normalizeArguments(["--delete", "false", "x"], flags)).toEqual({
    args: ["--delete=true", "x"],
    suspicious: ["--delete false"],
  });
});
