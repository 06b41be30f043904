import { expect, test } from "bun:test";
import { interruptSignal } from "../../../core/cli/interrupt.ts";

test("interruptSignal aborts at the first wish to stop, and tells of the second", async () => {
  const listeners = new Map<string, () => void>();
  const interrupt = interruptSignal({
    signals: {
      on: (name, listener) => {
        listeners.set(name, listener);
        return () => listeners.delete(name);
      },
    },
  });
  let again = false;
  void interrupt.again.then(() => again = true);
  interrupt.request();
  expect(interrupt.signal.aborted).toBe(true);
  await Promise.resolve();
  expect(again).toBe(false);
  listeners.get("SIGTERM")?.();
  await interrupt.again;
  interrupt[Symbol.dispose]();
  expect(listeners.size).toBe(0);
});
