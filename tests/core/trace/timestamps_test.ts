import { describe, expect, test } from "bun:test";
import { preciseClock, TimestampedLines } from "../../../core/trace/timestamps.ts";

function stamping() {
  let now = Date.UTC(2026, 10, 23, 19, 51, 48, 491) + 0.609;
  const out = { text: "" };
  const lines = new TimestampedLines("01O", (bytes, start, end) => {
    out.text += Buffer.from(bytes.subarray(start, end)).toString("latin1");
  }, () => now);
  const write = (text: string, afterMs = 0) => {
    now += afterMs;
    lines.add(Buffer.from(text, "latin1"));
    lines.endWrite();
  };
  return { out, lines, write };
}

describe("TimestampedLines", () => {
  test("stamps whole lines with microseconds, stream and a space", () => {
    const { out, write } = stamping();
    write("one\n\n");
    expect(out.text).toBe(
      "2026-11-23T19:51:48.491609Z 01O one\n2026-11-23T19:51:48.491609Z 01O \n",
    );
  });

  test("joins a line from several writes under the time of its first byte", () => {
    const { out, write } = stamping();
    write("no-newline");
    expect(out.text).toBe("");
    write("$ echo\nnext\n", 1000);
    expect(out.text).toBe(
      "2026-11-23T19:51:48.491609Z 01O no-newline$ echo\n2026-11-23T19:51:49.491609Z 01O next\n",
    );
  });

  test("lets a line with a carriage return go when the write ends, and continues it behind +", () => {
    const { out, write } = stamping();
    write("section_end:1:a\r\x1b[0K");
    write("section_start:1:b\r\x1b[0K");
    write("title\nplain\n");
    expect(out.text.replaceAll(/^\S+ /gm, "")).toBe(
      "01O section_end:1:a\r\x1b[0K\n01O+section_start:1:b\r\x1b[0K\n01O+title\n01O plain\n",
    );
  });

  test("keeps CRLF in one write in one line", () => {
    const { out, write } = stamping();
    write("a\r\nb\r\n");
    expect(out.text.replaceAll(/^\S+ /gm, "")).toBe("01O a\r\n01O b\r\n");
  });

  test("splits lines over 8 KiB, however they come", () => {
    const line = "x".repeat(8192) + "y".repeat(8192) + "z";
    for (const size of [100_000, 5000, 1]) {
      const { out, write } = stamping();
      for (let at = 0; at < line.length; at += size) write(line.slice(at, at + size));
      write("\nnext\n");
      expect(out.text.replaceAll(/^\S+ /gm, "")).toBe(
        `01O ${"x".repeat(8192)}\n01O+${"y".repeat(8192)}\n01O+z\n01O next\n`,
      );
    }
  });

  test("loses and adds nothing but stamps, wherever writes end", () => {
    const text =
      Array.from({ length: 3000 }, (_, i) => i % 7 === 0 ? "\n" : i % 97 === 0 ? "\r" : "abc")
        .join("") + "end\n";
    for (let size = 1; size < 200; size += 3) {
      const { out, write } = stamping();
      for (let at = 0; at < text.length; at += size) write(text.slice(at, at + size));
      const joined = out.text.replaceAll(/\n\S+ 01O\+/g, "").replaceAll(/^\S+ 01O /gm, "");
      expect(joined).toBe(text);
    }
  });

  test("flush ends an unfinished line, and what follows does not continue it", () => {
    const { out, lines, write } = stamping();
    write("tail");
    lines.flush();
    write("10%\r");
    lines.flush();
    write("new\n");
    expect(out.text.replaceAll(/^\S+ /gm, "")).toBe("01O tail\n01O 10%\r\n01O new\n");
  });
});

test("preciseClock follows the calendar clock", () => {
  const now = preciseClock();
  expect(Math.abs(now() - Date.now())).toBeLessThanOrEqual(3);
});
