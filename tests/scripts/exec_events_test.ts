import { expect, test } from "bun:test";
import { join } from "node:path";

test("docs/exec-events.md says what the types of the events say", () => {
  const script = join(import.meta.dir, "../../scripts/exec_events.ts");
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, script, "--check"]);
  expect(stderr.toString()).toBe("");
  expect(exitCode).toBe(0);
});
