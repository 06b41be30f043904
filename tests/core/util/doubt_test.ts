import { expect, test } from "bun:test";
import { Doubt } from "../../../core/util/doubt.ts";

test("Doubt asks once it is raised, and again only when it is raised again", async () => {
  let asked = 0;
  const doubt = new Doubt(async () => void asked++);
  const signal = new AbortController().signal;
  await doubt.settle(signal);
  expect(asked).toBe(0);
  doubt.raise();
  await doubt.settle(signal);
  await doubt.settle(signal);
  expect(asked).toBe(1);
  doubt.raise();
  await doubt.settle(signal);
  expect(asked).toBe(2);
});

test("Doubt never asks again after a no", async () => {
  let asked = 0;
  const doubt = new Doubt(() => Promise.reject(new Error(`no ${++asked}`)));
  doubt.raise();
  const signal = new AbortController().signal;
  await expect(doubt.settle(signal)).rejects.toThrow("no 1");
  await expect(doubt.settle(signal)).rejects.toThrow("no 1");
  expect(doubt.isRaised).toBe(true);
});

test("Doubt takes an abort for no answer", async () => {
  const job = new AbortController();
  const doubt = new Doubt(() => {
    job.abort(new Error("canceled"));
    return Promise.reject(new Error("no"));
  });
  doubt.raise();
  await expect(doubt.settle(job.signal)).rejects.toThrow("canceled");
  await expect(doubt.settle(new AbortController().signal)).rejects.toThrow("no");
});
