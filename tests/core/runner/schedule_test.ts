import { expect, test } from "bun:test";
import { Schedule, type ScheduleSettings } from "../../../core/runner/schedule.ts";

const settings: ScheduleSettings = {
  checkIntervalMs: 3000,
  strictCheckInterval: false,
  unhealthyRequestsLimit: 3,
  unhealthyIntervalMs: 3_600_000,
};

test("Schedule asks again at once after a job, and after the check interval without one", () => {
  const schedule = new Schedule(settings);
  schedule.note("job", 0, 10);
  expect(schedule.waitMs(10)).toBe(0);
  schedule.note("no-job", 10, 20);
  expect(schedule.waitMs(20)).toBe(2990);
});

test("Schedule waits after a job too when the interval is strict", () => {
  const schedule = new Schedule({ ...settings, strictCheckInterval: true });
  schedule.note("job", 0, 10);
  expect(schedule.waitMs(10)).toBe(2990);
});

test("Schedule asks again at once after a long poll that took the interval or more", () => {
  const schedule = new Schedule(settings);
  schedule.note("no-job", 0, 50_000);
  expect(schedule.waitMs(50_000)).toBe(0);
});

test("Schedule leaves an entry alone after three refusals, then gives it another series", () => {
  const schedule = new Schedule(settings);
  for (let request = 0; request < 3; request++) schedule.note("unhealthy", 0, 100);
  expect(schedule.isUnhealthy).toBe(true);
  expect(schedule.waitMs(100)).toBe(3_600_000);
  schedule.note("unhealthy", 3_600_100, 3_600_200);
  expect(schedule.isUnhealthy).toBe(false);
  expect(schedule.waitMs(3_600_200)).toBe(2900);
});

test("Schedule forgets refusals on any other answer and on a reload", () => {
  const schedule = new Schedule(settings);
  schedule.note("unhealthy", 0, 0);
  schedule.note("unhealthy", 0, 0);
  schedule.note("failed", 0, 0);
  schedule.note("unhealthy", 0, 0);
  expect(schedule.isUnhealthy).toBe(false);
  for (let request = 0; request < 3; request++) schedule.note("unhealthy", 0, 0);
  schedule.configure(settings);
  expect(schedule.isUnhealthy).toBe(false);
  expect(schedule.waitMs(0)).toBe(0);
});
