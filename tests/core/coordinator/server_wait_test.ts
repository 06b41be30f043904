import { expect, test } from "bun:test";
import { isRepeatable, waitAfter } from "../../../core/coordinator/server_wait.ts";
import { instantClock } from "./support.ts";

const NOW = Date.parse("Wed, 21 Oct 2015 07:28:00 GMT");
const { clock } = instantClock(NOW);

function wait(headers: Record<string, string>, attempt = 0): number {
  return waitAfter(new Headers(headers), attempt, clock);
}

test("isRepeatable repeats the documented statuses and no others", () => {
  const statuses = [200, 400, 408, 409, 423, 425, 429, 500, 501, 502, 503, 504, 505, 511, 512, 599];
  const repeated = statuses.filter((status) => isRepeatable(status, "on-failure"));
  expect(repeated).toEqual([408, 429, 500, 502, 503, 504, 512, 599]);
});

test("isRepeatable repeats a call that may have taken a job only when it cannot have", () => {
  const repeated = [408, 429, 500, 502, 503, 504].filter((s) => isRepeatable(s, "unless-taken"));
  expect(repeated).toEqual([429, 503]);
});

test("waitAfter prefers RateLimit-ResetTime over Retry-After", () => {
  const headers = { "RateLimit-ResetTime": "Wed, 21 Oct 2015 07:28:05 GMT", "Retry-After": "2" };
  expect(wait(headers)).toBe(5000);
});

test("waitAfter measures the reset time by the coordinator's own clock", () => {
  const headers = {
    "Date": "Wed, 21 Oct 2015 08:28:00 GMT",
    "RateLimit-ResetTime": "Wed, 21 Oct 2015 08:28:03 GMT",
  };
  expect(wait(headers)).toBe(3000);
});

test.each([
  [{ "RateLimit-ResetTime": "Wed, 21 Oct 2015 07:27:00 GMT", "Retry-After": "2" }, 2000],
  [{ "RateLimit-ResetTime": "garbage", "Retry-After": "3" }, 3000],
])("waitAfter falls back to Retry-After for %o", (headers, expected) => {
  expect(wait(headers)).toBe(expected);
});

test.each(["garbage", "-5", "0", "1.5", "Wed, 21 Oct 2015 07:28:05 GMT"])(
  "waitAfter backs off shortly when Retry-After is %s",
  (value) => {
    expect([0, 1, 2, 3].map((attempt) => wait({ "Retry-After": value }, attempt))).toEqual(
      [100, 150, 250, 450],
    );
  },
);
