import { expect, test } from "bun:test";
import { FlowIndentation } from "../../../../core/pipeline/yaml/flow_indentation.ts";

test("FlowIndentation indents lines, and knows where things were", () => {
  const reading = new FlowIndentation("a: [\nb,\nc]\n");
  const at = (part: string) => reading.original(reading.text.indexOf(part));
  expect(reading.indentLine(5)).toBe(true);
  expect(reading.indentLine(reading.text.indexOf("c"))).toBe(true);
  expect(reading.text.replaceAll(/ +(?=\w)/g, "  ")).toBe("a: [\n  b,\n  c]\n");
  expect([at("a"), at("["), at("b"), at("c"), at("]")]).toEqual([0, 3, 5, 8, 9]);
  // Blanks that were put in stand where their line begins.
  expect(reading.original(reading.text.indexOf("\n") + 7)).toBe(5);
});

test("FlowIndentation does not indent a line twice", () => {
  const reading = new FlowIndentation("a: [\nb]\n");
  expect(reading.indentLine(5)).toBe(true);
  expect(reading.indentLine(reading.text.indexOf("b"))).toBe(false);
});
