import { expect, test } from "bun:test";
import { plainScalar } from "../../../../core/pipeline/yaml/scalar_value.ts";

/** Source, value, and the text GitLab makes of it. */
const SCALARS: readonly (readonly [string, unknown, string])[] = [
  ["", null, ""],
  ["~", null, ""],
  ["Null", null, ""],
  ["yes", true, "true"],
  ["OFF", false, "false"],
  ["n", "n", "n"],
  ["one", "one", "one"],
  ["0", 0, "0"],
  ["-0", 0, "0"],
  ["+12", 12, "12"],
  ["010", 8, "8"],
  ["0o10", "0o10", "0o10"],
  ["-010", -8, "-8"],
  ["08", "08", "08"],
  ["0x1f", 31, "31"],
  ["0b", "0b", "0b"],
  ["1_000", 1000, "1000"],
  ["1,000", 1000, "1000"],
  ["1.0", 1, "1.0"],
  [".5", 0.5, "0.5"],
  ["1.", 1, "1.0"],
  [".", ".", "."],
  ["1.5e+3", 1500, "1500.0"],
  ["1e3", "1e3", "1e3"],
  ["1:30", 5400, "5400"],
  ["1:30:15", 5415, "5415"],
  ["1:2:3:4", "1:2:3:4", "1:2:3:4"],
  ["0x6,09", 1545, "1545"],
  ["0X1F", "0X1F", "0X1F"],
  ["-0.", -0, "-0.0"],
  ["-1:30", -1800, "-1800"],
  ["1:30.5", 5430, "5430.0"],
  ["1:99", "1:99", "1:99"],
  [".inf", Infinity, "Infinity"],
  ["9007199254740993", 9007199254740992, "9007199254740993"],
  ["v1", "v1", "v1"],
];

test("plainScalar reads scalars as GitLab's parser does", () => {
  for (const [source, value, text] of SCALARS) {
    expect([source, plainScalar(source)]).toEqual([
      source,
      { kind: "value", value, text } as never,
    ]);
  }
});

test("plainScalar names the class of dates and times", () => {
  expect(plainScalar("2024-01-31")).toEqual({ kind: "class", name: "Date" });
  expect(plainScalar("2024-01-31T10:00:00Z")).toEqual({ kind: "class", name: "Time" });
  expect(plainScalar("2024-13-31").kind).toBe("value");
});
