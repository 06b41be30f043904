import { describe, expect, test } from "bun:test";
import { TimeWindow } from "../../../core/util/time_window.ts";

const contains = (pattern: string, time: string, zone = "UTC") =>
  new TimeWindow(pattern, zone).contains(new Date(time));

describe("TimeWindow", () => {
  // A Wednesday.
  const noon = "2026-11-25T12:34:56Z";
  test.each([
    ["* * * * *", true],
    ["34 12 25 11 3", true],
    ["35 * * * *", false],
    ["* 9-17 * * mon-fri", true],
    ["* 9-11,13-17 * * *", false],
    ["*/17 * * * *", true],
    ["30/2 * * * *", true],
    ["33/2 * * * *", false],
    ["* * * nov WED", true],
    ["* * * * wednesday", true],
    ["* * * * 0,7", false],
    ["* * 1 * wed", true],
    ["* * 25 * sun", true],
    ["* * 1 * sun", false],
    ["* * ? * wed", true],
    ["* * * * * 2026", true],
    ["* * * * * 2027", false],
    ["56 * * * * * *", true],
    ["0 * * * * * *", false],
    ["* * 10-18 * * mon-fri *", true],
  ])("%p at a Wednesday's noon: %p", (pattern, expected) => {
    expect(contains(pattern, noon)).toBe(expected);
  });

  test("counts Sunday as 0 and 7", () => {
    for (const day of ["0", "7", "sun"]) {
      expect(contains(`* * * * ${day}`, "2026-11-29T00:00:00Z")).toBe(true);
    }
  });

  test("reads the clock of its time zone", () => {
    expect(contains("* 23 24 * tue", "2026-11-25T04:00:00Z", "America/New_York")).toBe(true);
    expect(contains("* 0 * * *", "2026-11-25T00:10:00Z", "UTC")).toBe(true);
    const local = new Date("2026-11-25T04:00:00Z");
    for (const zone of ["", "Local"]) {
      expect(new TimeWindow(`* ${local.getHours()} * * *`, zone).contains(local)).toBe(true);
    }
  });

  test.each([
    ["* * * *", "has 4 fields"],
    ["60 * * * *", '"60" is no minute (0 to 59)'],
    ["* 5-3 * * *", '"5-3" is no hour'],
    ["* * * * someday", '"someday" is no day of week'],
    ["*/0 * * * *", '"*/0" is no minute'],
    ["* * * x *", '"x" is no month'],
  ])("refuses %p", (pattern, why) => {
    expect(() => new TimeWindow(pattern, "UTC")).toThrow(why);
  });

  test("refuses a time zone that there is not", () => {
    expect(() => new TimeWindow("* * * * *", "Mars/Base")).toThrow(
      '"Mars/Base" is not a time zone',
    );
  });
});
