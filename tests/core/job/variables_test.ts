import { expect, test } from "bun:test";
import { expand } from "../../../core/job/expand.ts";
import { JobVariables } from "../../../core/job/variables.ts";
import type { JobVariable } from "../../../core/job/response.ts";

function variable(key: string, value: string, more: Partial<JobVariable> = {}): JobVariable {
  return { key, value, public: true, masked: false, file: false, raw: false, ...more };
}

const lookup = (name: string) => ({ A: "1", LONG_NAME: "long", "x y": "spaced" })[name] ?? "";

test.each([
  ["plain", "plain"],
  ["$A", "1"],
  ["${A}b", "1b"],
  ["$LONG_NAME-x", "long-x"],
  ["${x y}", "spaced"],
  ["$$A", "$A"],
  ["$$$A", "$1"],
  ["$UNKNOWN|", "|"],
  ["$* $# $@ $! $? $0 $9 $-|", "       |"],
  ["100$", "100$"],
  ["$ x", "$ x"],
  ["$/x", "$/x"],
  ["${}x", "x"],
  ["${A", "A"],
  ["$1A", "A"],
  ["a$A$A", "a11"],
])("expand() turns %j into %j", (text, expected) => {
  expect(expand(text, lookup)).toBe(expected);
});

test("JobVariables gives no shell a name that it cannot have, and expands it all the same", () => {
  const variables = new JobVariables(
    [variable("A.B", "dotted"), variable("a\nb", "x"), variable("C", "${A.B}")],
    "/tmp/p",
  );
  expect(variables.all.map(({ key, value }) => [key, value])).toEqual([["C", "dotted"]]);
});

test("JobVariables expands one level, with the unexpanded values of the others", () => {
  const variables = new JobVariables(
    [variable("A", "a"), variable("B", "${A}b"), variable("C", "$B-c")],
    "/tmp/p",
  );
  expect(variables.get("B")).toBe("ab");
  expect(variables.get("C")).toBe("${A}b-c");
});

test("JobVariables leaves raw variables alone and lets the last definition win", () => {
  const variables = new JobVariables(
    [variable("R", "$A", { raw: true }), variable("A", "old"), variable("A", "new")],
    "/tmp/p",
  );
  expect(variables.get("R")).toBe("$A");
  expect(variables.get("A")).toBe("new");
  expect(variables.all.map((each) => each.key)).toEqual(["R", "A"]);
});

test("JobVariables gives the path of a file variable to whoever refers to it", () => {
  const variables = new JobVariables(
    [variable("F", "text\n", { file: true }), variable("G", "<$F>")],
    "/builds/app.tmp",
  );
  expect(variables.get("G")).toBe("</builds/app.tmp/F>");
  expect(variables.files).toMatchObject([{
    key: "F",
    value: "/builds/app.tmp/F",
    content: "text\n",
  }]);
});

test("JobVariables names secrets in declared and expanded form, and drops unusable names", () => {
  const variables = new JobVariables([
    variable("S", "x$A", { masked: true }),
    variable("A", "1"),
    variable("T", "", { masked: true }),
    variable("bad-name", "v"),
  ], "/t");
  expect([...variables.secrets].sort()).toEqual(["x$A", "x1"]);
  expect(variables.all.map(({ key }) => key)).toEqual(["S", "A", "T"]);
});

test("JobVariables.with() lets added definitions win", () => {
  const variables = new JobVariables([variable("S", "running"), variable("T", "$S")], "/t");
  expect(variables.with(variable("S", "failed")).get("T")).toBe("failed");
});

test("JobVariables.text is the content of a file variable, and what any other has", () => {
  const variables = new JobVariables(
    [variable("A", "a"), variable("FILE", "{$A}", { file: true }), variable("PLAIN", "$FILE")],
    "/tmp/p",
  );
  expect(["FILE", "PLAIN", "NONE"].map((key) => variables.text(key))).toEqual([
    "{a}",
    "/tmp/p/FILE",
    "",
  ]);
});

test("JobVariables.isTrueAtFirst asks who defined a variable first", () => {
  const variables = new JobVariables(
    [variable("A", "false"), variable("A", "true"), variable("B", "1"), variable("B", "")],
    "/tmp/p",
  );
  expect(["A", "B", "C"].map((key) => variables.isTrueAtFirst(key))).toEqual([false, true, false]);
});
