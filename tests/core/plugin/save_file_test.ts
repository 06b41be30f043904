import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostFile } from "../../../core/executor.ts";
import { saveFile } from "../../../core/plugin/save_file.ts";

const scratch = mkdtempSync(join(tmpdir(), "save-file-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function file(bytes: Uint8Array, values: Partial<HostFile> = {}): HostFile {
  return {
    name: "program",
    size: bytes.length,
    sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    ...values,
  };
}

describe("saveFile()", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));

  test("makes the directory, and an executable with the content", async () => {
    const path = join(scratch, "a/b/program");
    await saveFile(file(bytes), path);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o755);
  });

  test("leaves nothing of a file that ends early or is another", async () => {
    const path = join(scratch, "c/program");
    await expect(saveFile(file(bytes, { size: 70_000 }), path)).rejects.toThrow(
      '"program" ends after 60000 bytes',
    );
    await expect(saveFile(file(bytes, { sha256: "0".repeat(64) }), path)).rejects.toThrow(
      '"program" has changed while it was copied',
    );
    expect(readdirSync(join(scratch, "c"))).toEqual([]);
  });

  test("two at a time get the same file", async () => {
    const path = join(scratch, "d/program");
    await Promise.all([saveFile(file(bytes), path), saveFile(file(bytes), path)]);
    expect(readdirSync(join(scratch, "d"))).toEqual(["program"]);
  });
});
