import { expect, test } from "bun:test";
import { Screen } from "../../../../core/local/views/screen.ts";

test("Screen replaces its lines, also those that a narrower terminal has broken", () => {
  const output = { columns: 20, text: "", write: (text: string) => void (output.text += text) };
  const screen = new Screen(output);
  screen.draw(["12345678901234567", "123"]);
  output.columns = 10;
  output.text = "";
  screen.draw(["1234567890"]);
  expect(output.text).toBe("\x1b[3A\r\x1b[J12345678…\n");
  output.text = "";
  screen.print("stays\n");
  expect(output.text).toBe("\x1b[1A\r\x1b[Jstays\n");
  output.text = "";
  screen.print("stays\n");
  expect(output.text).toBe("stays\n");
});
