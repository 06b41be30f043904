import { expect, test } from "bun:test";
import type { Flag } from "../../../core/cli/flag.ts";
import { plainArguments } from "../../../core/cli/plain_arguments.ts";

const flags: readonly Flag[] = [
  { names: ["name"], kind: "string", help: "" },
  { names: ["env"], kind: "list", help: "" },
];

test("plainArguments takes flags with their values, and words between them", () => {
  const args = ["one", "--env=A=1\nB", "--name=", "two", "--env=C"];
  expect(plainArguments({ moreOperands: "job" }, flags, args)).toEqual({
    kind: "values",
    values: new Map([["env", ["A=1\nB", "C"]], ["name", [""]]]),
    operands: ["one", "two"],
  });
});

test.each([
  [["--help"]],
  [["-h"]],
  [["--bogus=1"]],
  [["--name"]],
  [["--", "x"]],
  [["-"]],
  [["x", "y"]],
  [[]],
])("plainArguments leaves %p to the parser", (args) => {
  expect(plainArguments({ operands: ["word"] }, flags, args)).toBeUndefined();
});
