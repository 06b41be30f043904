import { expect, test } from "bun:test";
import { MemoryCare } from "../../../core/runner/memory_care.ts";

const MIB = 1024 * 1024;

/** A process that keeps `liveMiB` when it collects. */
class FakeMemory {
  residentMiB = 60;
  liveMiB = 60;
  collections = 0;

  resident(): number {
    return this.residentMiB * MIB;
  }

  collect(): void {
    this.collections++;
    this.residentMiB = this.liveMiB;
  }
}

test("MemoryCare collects each time the process has grown by 8 MiB", () => {
  const memory = new FakeMemory();
  const care = new MemoryCare(memory);
  memory.residentMiB = 67;
  care.jobStarted();
  care.jobEnded(1);
  expect(memory.collections).toBe(0);
  memory.residentMiB = 68;
  memory.liveMiB = 65;
  care.jobStarted();
  expect(memory.collections).toBe(1);
  memory.residentMiB = 72;
  care.jobEnded(1);
  expect(memory.collections).toBe(1);
  memory.residentMiB = 73;
  care.jobEnded(1);
  expect(memory.collections).toBe(2);
});

test("MemoryCare collects after the last job of many, not after every single one", () => {
  const memory = new FakeMemory();
  const care = new MemoryCare(memory);
  for (let left = 14; left >= 0; left--) care.jobEnded(left);
  expect(memory.collections).toBe(1);
  for (let job = 0; job < 9; job++) care.jobEnded(0);
  expect(memory.collections).toBe(1);
  care.jobEnded(0);
  expect(memory.collections).toBe(2);
});
