import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openScript } from "../../../core/util/script_input.ts";

test("openScript() leaves nothing of a script that could not be written", () => {
  const before = process.env["TMPDIR"];
  const directory = mkdtempSync(join(tmpdir(), "script-test-"));
  process.env["TMPDIR"] = directory;
  try {
    const invocation = { script: { kind: "file", extension: "no/such" } } as const;
    const command = { stage: "step_script", script: "echo secret", invocation };
    expect(() => openScript(command, { directory })).toThrow("Cannot write the script");
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    rmSync(directory, { recursive: true });
  }
});
