import { expect, test } from "bun:test";
import { JobSlots } from "../../../core/runner/slots.ts";

test("JobSlots hands out the lowest free number, per runner and per project", () => {
  const slots = new JobSlots();
  const first = slots.take(7);
  const second = slots.take(7);
  const other = slots.take(8);
  expect([first.slot, second.slot, other.slot]).toEqual([
    { runner: 0, project: 0 },
    { runner: 1, project: 1 },
    { runner: 2, project: 0 },
  ]);
  first.release(Promise.resolve());
  expect(slots.take(7).slot).toEqual({ runner: 0, project: 0 });
});

test("JobSlots frees a slot once, also when it is released twice", () => {
  const slots = new JobSlots();
  const first = slots.take(1);
  first.release(Promise.resolve());
  const next = slots.take(1);
  first.release(Promise.resolve());
  expect(slots.take(1).slot).toEqual({ runner: 1, project: 1 });
  next.release(Promise.resolve());
});

test("JobSlots makes the next job of a slot wait until the one before has tidied up", async () => {
  const slots = new JobSlots();
  const tidied = Promise.withResolvers<void>();
  slots.take(1).release(tidied.promise);
  const next = slots.take(1);
  let ready = false;
  const waiting = next.ready.then(() => ready = true);
  await Promise.resolve();
  expect(ready).toBe(false);
  tidied.resolve();
  await waiting;
  expect(ready).toBe(true);
});
