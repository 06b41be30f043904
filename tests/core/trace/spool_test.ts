import { describe, expect, test } from "bun:test";
import { existsSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { SystemFailure } from "../../../core/errors.ts";
import { OutputLimit } from "../../../core/trace/output_limit.ts";
import { Spool } from "../../../core/trace/spool.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

function append(spool: Spool, text: string | Uint8Array, vital = false): void {
  const bytes = Buffer.from(text);
  spool.append(bytes, 0, bytes.length, vital);
}

describe("Spool", () => {
  test("keeps the bytes, their size and their CRC-32, in a file of mode 0600", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "trace.log");
    await using spool = Spool.create(path);
    const text = "äöü\xff line\n".repeat(20_000);
    append(spool, text.slice(0, 100_000));
    append(spool, text.slice(100_000));
    expect(spool.checksum()).toEqual({ crc32: crc32(text), size: Buffer.byteLength(text) });
    await spool.flush();
    expect(readFileSync(path).equals(Buffer.from(text))).toBe(true);
    expect(spool.checksum()).toEqual({ crc32: crc32(text), size: Buffer.byteLength(text) });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => Spool.create(path)).toThrow("EEXIST");
  });

  test("reads any range of what is stored, and never past it", async () => {
    using directory = temporaryDirectory();
    await using spool = Spool.create(join(directory.path, "trace.log"));
    append(spool, "0123456789");
    expect(spool.readable).toBe(0);
    expect((await spool.read(0, 10)).length).toBe(0);
    await spool.flush();
    expect((await spool.read(3, 4)).toString()).toBe("3456");
    expect((await spool.read(8, 100)).toString()).toBe("89");
    expect((await spool.read(50, 100)).length).toBe(0);
  });

  test("gathers the writes of a turn, tells of stored bytes, and lets them be reused", async () => {
    using directory = temporaryDirectory();
    let stored = 0;
    await using spool = Spool.create(join(directory.path, "trace.log"), {
      onStored: () => stored++,
    });
    const bytes = Buffer.from("line\n");
    for (let i = 0; i < 1000; i++) {
      bytes.write("line\n");
      spool.append(bytes, 0, bytes.length, false);
      bytes.fill(0);
    }
    await spool.flush();
    expect(stored).toBe(1);
    expect((await spool.read(0, 10_000)).toString()).toBe("line\n".repeat(1000));
  });

  test("asks a writer to wait while the disk is behind", async () => {
    using directory = temporaryDirectory();
    await using spool = Spool.create(join(directory.path, "trace.log"));
    expect(spool.backpressure()).toBeUndefined();
    append(spool, Buffer.alloc(1024 * 1024));
    await spool.backpressure();
    expect(spool.backpressure()).toBeUndefined();
    expect(spool.readable).toBe(1024 * 1024);
  });

  test("goes on where an earlier process stopped", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "trace.log");
    {
      await using first = Spool.create(path);
      append(first, "before ");
    }
    await using second = Spool.open(path);
    append(second, "after");
    expect(second.checksum()).toEqual({ crc32: crc32("before after"), size: 12 });
    await second.flush();
    expect((await second.read(0, 100)).toString()).toBe("before after");
  });

  test.skipIf(!existsSync("/dev/full"))(
    "survives a full disk: tells it once, keeps what was taken and the runner's last words",
    async () => {
      const failures: SystemFailure[] = [];
      const spool = new Spool(
        "/full/trace.log",
        openSync("/dev/full", "r+"),
        { crc32: 0, size: 0 },
        {
          onFailure: (failure) => failures.push(failure),
        },
      );
      append(spool, "taken before;");
      await spool.flush();
      append(spool, "dropped", false);
      append(spool, "last words", true);
      append(spool, Buffer.alloc(100 * 1024), true);
      await spool.flush();
      expect(failures.map((failure) => failure.message)).toEqual([
        expect.stringMatching(/^Cannot write the job's trace to "\/full\/trace.log": ENOSPC/),
      ]);
      const kept = "taken before;last words";
      expect(spool.readable).toBe(kept.length);
      expect((await spool.read(0, 1000)).toString()).toBe(kept);
      expect((await spool.read(6, 9)).toString()).toBe(kept.slice(6, 15));
      expect(spool.checksum()).toEqual({ crc32: crc32(kept), size: kept.length });
      expect(spool.backpressure()).toBeUndefined();
      await spool[Symbol.asyncDispose]();
    },
  );
});

describe("OutputLimit", () => {
  const NOTICE = "\n\x1b[33;1mJob's log exceeded limit of 10 bytes.\n" +
    "Job execution will continue but no more output will be collected.\x1b[0;m\n";

  function limited(...parts: [text: string | Uint8Array, vital: boolean][]): Buffer {
    const out: Buffer[] = [];
    const limit = new OutputLimit(10, (bytes, start, end) => {
      out.push(Buffer.from(bytes.subarray(start, end)));
    });
    for (const [text, vital] of parts) {
      const bytes = Buffer.from(text);
      limit.append(bytes, 0, bytes.length, vital);
    }
    return Buffer.concat(out);
  }

  test("passes what fits", () => {
    expect(limited(["01234", false], ["56789", false]).toString()).toBe("0123456789");
  });

  test("cuts, says so once and drops the job's further output", () => {
    const text = limited(["01234", false], ["56789X", false], ["more", false]).toString();
    expect(text).toBe(`0123456789${NOTICE}`);
  });

  test("cuts between characters, and leaves bytes that are no UTF-8 alone", () => {
    expect(limited(["012345678ü…", false]).toString()).toBe(`012345678${NOTICE}`);
    expect(limited(["01234567ü…", false]).toString()).toBe(`01234567ü${NOTICE}`);
    expect(limited(["0123456😀", false]).toString()).toBe(`0123456${NOTICE}`);
    const odd = Buffer.from([...Array(11)].map(() => 0x80));
    expect(limited([odd, false]).subarray(0, 10)).toEqual(odd.subarray(0, 10));
  });

  test("still takes the runner's own lines, up to 8 KiB", () => {
    const big = "x".repeat(9000);
    const text = limited(["0123456789X", false], [big, true], ["result\n", true]).toString();
    expect(text).toBe(`0123456789${NOTICE}result\n`);
    expect(limited(["01234567", false], ["result\n", true]).toString()).toBe(
      `01234567${NOTICE}result\n`,
    );
  });
});
