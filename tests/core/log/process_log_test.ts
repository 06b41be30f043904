import { expect, test } from "bun:test";
import { wantsColors } from "../../../core/log/colors.ts";
import { parseLogLevel } from "../../../core/log/level.ts";
import { createProcessLog } from "../../../core/log/process_log.ts";

function openLog(level: "debug" | "info" | "error" = "info") {
  const lines: string[] = [];
  const log = createProcessLog({
    write: (line) => lines.push(line),
    level,
    format: "runner",
    colors: false,
    now: () => new Date("2026-08-01T09:30:00Z"),
  });
  return { log, lines };
}

test("ProcessLog hides lines below its level until it is changed", () => {
  const { log, lines } = openLog();
  const bound = log.logger.with({ job: 1 });
  bound.debug("hidden");
  log.configure({ level: "debug", format: "json" });
  bound.debug("shown", { runner: "abc" });
  expect(lines).toEqual([
    '{"job":1,"level":"debug","msg":"shown","runner":"abc","time":"2026-08-01T09:30:00Z"}\n',
  ]);
});

test("ProcessLog lets a call's field win over a bound one", () => {
  const { log, lines } = openLog();
  log.logger.with({ a: 1 }).with({ b: 2 }).info("m", { a: 3 });
  expect(lines).toEqual([`${"m".padEnd(50)}  a=3 b=2\n`]);
});

test("ProcessLog counts lines from warning up, also those it does not show", () => {
  const { log, lines } = openLog("error");
  const counted: string[] = [];
  log.count((level) => counted.push(level));
  log.logger.debug("d");
  log.logger.info("i");
  log.logger.warning("w");
  log.logger.error("e");
  log.logger.fatal("f");
  expect(counted).toEqual(["warning", "error", "fatal"]);
  expect(lines).toHaveLength(2);
});

test("parseLogLevel knows GitLab Runner's names", () => {
  expect(["debug", "info", "warn", "warning", "ERROR", "fatal", "panic"].map(parseLogLevel))
    .toEqual(["debug", "info", "warning", "warning", "error", "fatal", "panic"]);
  expect(parseLogLevel("trace")).toBeUndefined();
});

test("wantsColors needs a terminal and yields to NO_COLOR", () => {
  expect(wantsColors({ isTTY: true }, {})).toBe(true);
  expect(wantsColors({ isTTY: true }, { NO_COLOR: "" })).toBe(true);
  expect(wantsColors({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(wantsColors({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(wantsColors({}, {})).toBe(false);
});
