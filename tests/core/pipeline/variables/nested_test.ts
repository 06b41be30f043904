import { describe, expect, test } from "bun:test";
import type { PipelineJobVariable } from "../../../../core/pipeline/pipeline.ts";
import { expandForGitLab, expandForRunner } from "../../../../core/pipeline/variables/nested.ts";
import { expandName } from "../../../../core/pipeline/variables/references.ts";

/** `KEY=value`; `KEY:raw=` and `KEY:file=` say how. */
function declared(lines: readonly string[]): PipelineJobVariable[] {
  return lines.map((line) => {
    const [, key = "", how, value = ""] = /^(\w+)(?::(\w+))?=(.*)$/.exec(line)!;
    return {
      key,
      value,
      origin: "job",
      expand: how !== "raw",
      file: how === "file",
      masked: false,
    };
  });
}

const last = (variables: readonly PipelineJobVariable[], key: string) =>
  variables.findLast((variable) => variable.key === key)?.value;

describe("expandForRunner()", () => {
  test.each<[string, string[], string]>([
    ["a chain in any order", ["C=$B-c", "B=${A}b", "A=a"], "ab-c"],
    ["a reference in percent signs", ["C=%A%", "A=a"], "a"],
    ["unknown ones to the runner", ["C=$NOPE/${NOPE}"], "$NOPE/${NOPE}"],
    ["escapes to the script", ["A=a", "C=$$A %%A%%"], "$$A %%A%%"],
    ["raw values as they are", ["A=a", "C:raw=$A"], "$A"],
    ["raw values with references to the runner", ["A=a", "B:raw=$A", "C=$B"], "$B"],
    ["raw values without references in", ["B:raw=a", "C=$B"], "a"],
    ["files to the runner", ["B:file=text", "C=$B"], "$B"],
    ["the value below of its own key", ["C=a", "C=$C-b"], "a-b"],
    ["its own key to the runner where there is none below", ["C=$C-b"], "$C-b"],
    ["the last of two values", ["A=1", "A=2", "C=$A"], "2"],
    ["braces without a name", ["C=${}"], "${}"],
  ])("leaves or puts %s", (_, lines, expected) => {
    expect(last(expandForRunner(declared(lines)), "C")).toBe(expected);
  });

  test("puts a value behind those it refers to, as GitLab does", () => {
    const variables = expandForRunner(declared(["C=$B", "A=1", "B=$A", "A=2", "P=$P-1", "P=2"]));
    expect(variables.map(({ key, value }) => `${key}=${value}`)).toEqual([
      "A=1",
      "A=2",
      "B=2",
      "C=2",
      "P=2",
      "P=2-1",
    ]);
  });

  test.each([
    [["A=$B", "B=$A"], '["A", "B"]'],
    [["X=$A", "A=$B", "B=$C", "C=$A"], '["A", "B", "C"]'],
    [["A=$A", "A=$A"], '["A", "A"]'],
  ])("refuses the circle %j", (lines, names) => {
    expect(() => expandForRunner(declared(lines))).toThrow(
      `circular variable reference detected: ${names}`,
    );
  });
});

test("expandForRunner() takes chains of any length", () => {
  const lines = Array.from({ length: 20_000 }, (_, at) => `V${at}=$V${at + 1}`);
  expect(last(expandForRunner(declared([...lines, "V20000=end"])), "V0")).toBe("end");
});

test("expandForRunner() refuses values that grow without end", () => {
  const lines = Array.from({ length: 40 }, (_, at) => `V${at}=$V${at + 1}$V${at + 1}`);
  expect(() => expandForRunner(declared([...lines, "V40=long"]))).toThrow(
    "variable V21 is longer than 1048576 characters when expanded",
  );
});

describe("expandForGitLab()", () => {
  test.each<[string[], string]>([
    [["C=$NOPE/x"], "/x"],
    [["A=a", "B:raw=$A", "C=$B"], "$A"],
    [["B:file=text", "C=$B"], "text"],
    [["A=1", "B=$A$A", "C=$B-${B}"], "11-11"],
  ])("of %j", (lines, expected) => {
    expect(expandForGitLab(declared(lines))("C")).toBe(expected);
  });
});

test.each([
  ["$A-${A}-%A%", "1-1-1"],
  ["$$A", "$1"],
  ["$AB", "$AB"],
  ["a$", "a$"],
  ["${A", "${A"],
  ["100%A", "100%A"],
])("expandName() of %j", (text, expected) => {
  expect(expandName(text, (name) => name === "A" ? "1" : undefined)).toBe(expected);
});
