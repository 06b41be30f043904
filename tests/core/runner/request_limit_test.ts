import { expect, test } from "bun:test";
import { RequestLimit } from "../../../core/runner/request_limit.ts";

const settings = { requestConcurrency: 4, adaptive: true };

test("RequestLimit is earned by jobs and lost by failures", () => {
  const limit = new RequestLimit();
  expect(limit.most(settings)).toBe(1);
  for (let job = 0; job < 8; job++) limit.note("job", settings);
  expect(limit.most(settings)).toBe(3);
  limit.note("failed", settings);
  limit.note("job", settings);
  expect(limit.most(settings)).toBe(2);
  for (let job = 0; job < 40; job++) limit.note("job", settings);
  expect(limit.most(settings)).toBe(4);
});

test("RequestLimit is what the entry that asks has, where entries share it", () => {
  const limit = new RequestLimit();
  for (let job = 0; job < 40; job++) limit.note("job", settings);
  expect(limit.most({ ...settings, requestConcurrency: 2 })).toBe(2);
  expect(new RequestLimit().most({ ...settings, adaptive: false })).toBe(4);
});

test("RequestLimit is not earned by a job that came only after the coordinator's limits", () => {
  const limit = new RequestLimit();
  for (let job = 0; job < 8; job++) limit.note("job", settings);
  expect(limit.most(settings)).toBe(3);
  limit.note("job", settings, { strained: true });
  expect(limit.most(settings)).toBe(2);
});

test("RequestLimit is one while no job comes, whatever was earned", () => {
  const limit = new RequestLimit();
  for (let job = 0; job < 40; job++) limit.note("job", settings);
  limit.note("no-job", settings);
  expect(limit.most(settings)).toBe(1);
  limit.note("job", settings);
  expect(limit.most(settings)).toBe(4);
});
