import { describe, expect, test } from "bun:test";
import { formatEntry, formatRunner, type LogEntry } from "../../../core/log/format.ts";

const start: LogEntry = {
  level: "info",
  message: "Runtime platform",
  fields: { version: "19.4.0", arch: "amd64", os: "linux", pid: 10567, revision: "d79f3e7b" },
  time: new Date("2026-08-01T09:30:00.5Z"),
};

describe("formatRunner", () => {
  test("pads to 50 columns and sorts fields, with GitLab Runner's bytes", () => {
    expect(formatRunner(start, { colors: true })).toBe(
      "Runtime platform                                  \x1b[0;m  " +
        "arch\x1b[0;m=amd64 os\x1b[0;m=linux pid\x1b[0;m=10567 revision\x1b[0;m=d79f3e7b version\x1b[0;m=19.4.0",
    );
  });

  test("has the same columns without colours", () => {
    expect(formatRunner(start, { colors: false })).toBe(
      "Runtime platform                                    " +
        "arch=amd64 os=linux pid=10567 revision=d79f3e7b version=19.4.0",
    );
  });

  test("counts the prefix of a level as part of the 50 columns", () => {
    const entry = { level: "warning", message: "Cache file does not exist", fields: {} } as const;
    expect(formatRunner(entry, { colors: true })).toBe(
      "\x1b[0;33mWARNING: Cache file does not exist                \x1b[0;m ",
    );
  });

  test.each(
    [
      ["debug", "\x1b[37;1m", ""],
      ["error", "\x1b[31;1m", "ERROR: "],
      ["fatal", "\x1b[31;1m", "FATAL: "],
      ["panic", "\x1b[31;1m", "PANIC: "],
    ] as const,
  )("paints %s lines and their keys", (level, color, prefix) => {
    const text = formatRunner({ level, message: "m", fields: { k: 1 } }, { colors: true });
    expect(text).toBe(`${color}${(prefix + "m").padEnd(50)}\x1b[0;m  ${color}k\x1b[0;m=1`);
  });

  test("keeps control characters of a value from the terminal", () => {
    const fields = { error: "a\x1b[2Jb\nFATAL: fake", ok: "ü b" };
    expect(formatRunner({ level: "info", message: "m", fields }, { colors: false })).toBe(
      `${"m".padEnd(50)}  error="a\\u001b[2Jb\\nFATAL: fake" ok=ü b`,
    );
  });

  test("leaves out undefined fields", () => {
    const entry = { level: "info", message: "m", fields: { a: undefined, b: "x" } } as const;
    expect(formatRunner(entry, { colors: false })).toBe(`${"m".padEnd(50)}  b=x`);
  });
});

// bun test runs in UTC.
describe("formatEntry", () => {
  const entry: LogEntry = {
    level: "warning",
    message: 'quoted "word"',
    fields: { url: "https://gitlab.example/<a>", job: 7, empty: "", ok: true, msg: "clash" },
    time: start.time,
  };

  test("text quotes what logrus quotes", () => {
    expect(formatEntry(entry, { format: "text", colors: false })).toBe(
      `time="2026-08-01T09:30:00Z" level=warning msg="quoted \\"word\\"" empty= fields.msg=clash ` +
        `job=7 ok=true url="https://gitlab.example/<a>"`,
    );
  });

  test("json sorts keys and escapes as Go does", () => {
    expect(formatEntry(entry, { format: "json", colors: true })).toBe(
      `{"empty":"","fields.msg":"clash","job":7,"level":"warning","msg":"quoted \\"word\\"",` +
        `"ok":true,"time":"2026-08-01T09:30:00Z","url":"https://gitlab.example/\\u003ca\\u003e"}`,
    );
  });

  test("text and json tell the local time with its offset", () => {
    const run = Bun.spawnSync([
      process.execPath,
      "-e",
      `import { formatEntry } from ${
        JSON.stringify(`${import.meta.dir}/../../../core/log/format.ts`)
      };
       const entry = { level: "info", message: "m", fields: {}, time: new Date("2026-08-01T09:30:00Z") };
       console.log(formatEntry(entry, { format: "text", colors: false }));`,
    ], { env: { TZ: "America/St_Johns", PATH: process.env["PATH"] } });
    expect(run.stdout.toString()).toBe('time="2026-08-01T07:00:00-02:30" level=info msg=m\n');
  });
});
