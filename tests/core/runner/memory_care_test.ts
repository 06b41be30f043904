import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Alarm, MemoryCare, ownMemory } from "../../../core/runner/memory_care.ts";

const MIB = 1024 * 1024;

/** A process that keeps `liveMiB` when it collects. */
class FakeMemory {
  usedMiB = 60;
  liveMiB = 60;
  collections = 0;
  releases = 0;

  used(): number {
    return this.usedMiB * MIB;
  }

  collect(): void {
    this.collections++;
    this.usedMiB = this.liveMiB;
  }

  releaseProgram(): void {
    this.releases++;
  }
}

class FakeAlarm implements Alarm {
  #now = 0;
  #ring: { readonly at: number; readonly call: () => void } | undefined;

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const ring = { at: this.#now + ms, call };
    this.#ring = ring;
    return () => {
      if (this.#ring === ring) this.#ring = undefined;
    };
  }

  pass(ms: number): void {
    this.#now += ms;
    const ring = this.#ring;
    if (ring === undefined || ring.at > this.#now) return;
    this.#ring = undefined;
    ring.call();
  }
}

test("MemoryCare collects each time the process has grown by 6 MiB", () => {
  const memory = new FakeMemory();
  const care = new MemoryCare(memory, new FakeAlarm());
  memory.usedMiB = 65;
  care.jobStarted();
  care.jobEnded(1);
  expect(memory.collections).toBe(0);
  memory.usedMiB = 66;
  memory.liveMiB = 63;
  care.jobStarted();
  expect(memory.collections).toBe(1);
  memory.usedMiB = 68;
  care.jobEnded(1);
  expect(memory.collections).toBe(1);
  memory.usedMiB = 69;
  care.jobEnded(1);
  expect(memory.collections).toBe(2);
});

test("MemoryCare collects after the last job of many, not after every single one", () => {
  const memory = new FakeMemory();
  const care = new MemoryCare(memory, new FakeAlarm());
  for (let left = 14; left >= 0; left--) care.jobEnded(left);
  expect(memory.collections).toBe(1);
  for (let job = 0; job < 9; job++) care.jobEnded(0);
  expect(memory.collections).toBe(1);
  care.jobEnded(0);
  expect(memory.collections).toBe(2);
});

test("MemoryCare lets go of the program's code when the start is over", () => {
  const [memory, alarm] = [new FakeMemory(), new FakeAlarm()];
  new MemoryCare(memory, alarm);
  alarm.pass(999);
  expect(memory.releases).toBe(0);
  alarm.pass(1);
  expect(memory).toMatchObject({ collections: 1, releases: 1 });
  alarm.pass(600_000);
  expect(memory).toMatchObject({ collections: 1, releases: 1 });
});

test("MemoryCare leaves the code where it is while jobs run", () => {
  const [memory, alarm] = [new FakeMemory(), new FakeAlarm()];
  const care = new MemoryCare(memory, alarm);
  care.jobStarted();
  alarm.pass(5000);
  care.jobEnded(1);
  alarm.pass(5000);
  expect(memory).toMatchObject({ collections: 0, releases: 0 });
  care.jobEnded(0);
  alarm.pass(1000);
  expect(memory).toMatchObject({ collections: 1, releases: 1 });
});

test("MemoryCare lets go of code at most once a minute, however often it collects", () => {
  const [memory, alarm] = [new FakeMemory(), new FakeAlarm()];
  const care = new MemoryCare(memory, alarm);
  memory.usedMiB = 68;
  care.jobStarted();
  memory.usedMiB = 68;
  care.jobEnded(0);
  expect(memory).toMatchObject({ collections: 2, releases: 1 });
  alarm.pass(59_999);
  expect(memory).toMatchObject({ collections: 2, releases: 1 });
  alarm.pass(1);
  expect(memory).toMatchObject({ collections: 3, releases: 2 });
});

test.skipIf(process.platform !== "linux")("ownMemory releases code, and works on", () => {
  const fileKib = () =>
    Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);
  const [before, used] = [fileKib(), ownMemory.used()];
  ownMemory.releaseProgram();
  expect(fileKib()).toBeLessThan(before * 0.8);
  expect(Math.abs(ownMemory.used() - used)).toBeLessThan(8 * MIB);
  expect(JSON.parse('{"a":[1]}')).toEqual({ a: [1] });
  expect(new Date(0).toISOString()).toBe("1970-01-01T00:00:00.000Z");
});
