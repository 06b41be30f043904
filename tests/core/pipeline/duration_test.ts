import { expect, test } from "bun:test";
import { parseCiDuration } from "../../../core/pipeline/duration.ts";

test("parseCiDuration reads durations as people write them", () => {
  const durations: Readonly<Record<string, number>> = {
    "1 week": 604_800,
    "3 mins 4 sec": 184,
    "2 hrs 20 min": 8400,
    "2h20min": 8400,
    "6 mos 1 day": 6 * 30 * 86_400 + 86_400,
    "47 yrs 6 mos and 4d": 47 * 31_557_600 + 6 * 30 * 86_400 + 4 * 86_400,
    "3 weeks and 2 days": 23 * 86_400,
    "1h, 30m": 5400,
    "90": 90,
    "1.5 hours": 5400,
    "10:30": 630,
    "1:00:05": 3605,
    "1 Day": 86_400,
    "two hours": 7200,
    "Twenty-five minutes": 1500,
    "one hundred and twenty seconds": 120,
    "one thousand two hundred sec": 1200,
    "a day and three hours": 97_200,
    "one hour thirty min": 5400,
  };
  for (const [text, seconds] of Object.entries(durations)) {
    expect([text, parseCiDuration(text)]).toEqual([text, seconds]);
  }
});

test("parseCiDuration refuses what is no duration", () => {
  for (
    const text of [
      "",
      "0",
      "0 days",
      " ",
      "never",
      "soon",
      "7 elephants",
      "h",
      "and",
      "-1 day",
      "1 day x",
      "1d!",
      "seventeenth day",
    ]
  ) {
    expect([text, parseCiDuration(text)]).toEqual([text, undefined]);
  }
});
