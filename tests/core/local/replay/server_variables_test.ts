import { expect, test } from "bun:test";
import { ServerVariable } from "../../../../core/local/replay/server_answers.ts";
import { inScope, readable } from "../../../../core/local/replay/server_variables.ts";

type Given = Partial<ServerVariable> & { readonly key: string };

function list(...variables: readonly Given[]): readonly ServerVariable[] {
  return variables.map((one) => ServerVariable.parse({ value: "", ...one }));
}

function values(
  settings: readonly (readonly ServerVariable[])[],
  scope: { environment?: string; isProtected?: boolean },
): Record<string, string> {
  const { environment, isProtected = false } = scope;
  const found = inScope({ settings, pipeline: [], closed: [] }, { environment, isProtected });
  return Object.fromEntries(Object.entries(found.settings).map(([key, { value }]) => [key, value]));
}

test("inScope() lets the project win over its groups", () => {
  const settings = [list({ key: "A", value: "group" }), list({ key: "A", value: "project" })];
  expect(values(settings, {})).toEqual({ A: "project" });
});

test("inScope() takes the variable whose environment fits best", () => {
  const variables = list(
    { key: "A", value: "name", environment_scope: "review/a.b" },
    { key: "A", value: "pattern", environment_scope: "review/*" },
    { key: "A", value: "all" },
    { key: "B", value: "other", environment_scope: "prod" },
  );
  expect(values([variables], { environment: "review/a.b" })).toEqual({ A: "name" });
  expect(values([variables], { environment: "review/axb" })).toEqual({ A: "pattern" });
  expect(values([variables], { environment: "prod" })).toEqual({ A: "all", B: "other" });
  expect(values([variables], {})).toEqual({ A: "all" });
});

test("inScope() keeps protected variables from refs that are not", () => {
  const variables = list({ key: "A", value: "open" }, {
    key: "B",
    value: "closed",
    protected: true,
  });
  expect(values([variables], {})).toEqual({ A: "open" });
  expect(values([variables], { isProtected: true })).toEqual({ A: "open", B: "closed" });
});

test("inScope() names hidden variables, which hide those below them", () => {
  const settings = [
    list({ key: "A", value: "group" }, { key: "B", value: null }),
    list({ key: "A", value: null }, { key: "B", value: "project" }),
  ];
  const found = inScope({ settings, pipeline: [], closed: [] }, {
    environment: undefined,
    isProtected: false,
  });
  expect([Object.keys(found.settings), found.hidden]).toEqual([["B"], ["A"]]);
});

test("readable() keeps what kind of variable it is", () => {
  const pipeline = list(
    { key: "FILE", value: "text", variable_type: "file", raw: true },
    { key: "MASKED", value: "$X", masked: true },
  );
  expect(readable({ settings: [], pipeline, closed: [] })).toEqual({
    FILE: { value: "text", file: true, masked: false, expand: false },
    MASKED: { value: "$X", file: false, masked: true, expand: true },
  });
});
