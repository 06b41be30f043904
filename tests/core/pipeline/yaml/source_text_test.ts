import { expect, test } from "bun:test";
import { SourceText } from "../../../../core/pipeline/yaml/source_text.ts";

test("SourceText counts lines and columns from one", () => {
  const source = new SourceText("a.yml", "ab\n\ncd");
  const at = (offset: number) => {
    const { line, column } = source.placeAt(offset);
    return [line, column];
  };
  expect([0, 1, 2, 3, 4, 5, 6].map(at)).toEqual([
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 1],
    [3, 1],
    [3, 2],
    [3, 3],
  ]);
  expect(source.placeAt(0).file).toBe("a.yml");
});
