/** Cache transfers that go wrong half-way. */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  downloadCache,
  TransientTransferError,
  withoutQuery,
} from "../../../core/cache/transfer.ts";
import { scratch } from "../archive/support.ts";

const TRANSFER = join(import.meta.dirname, "../../../core/cache/transfer.ts");
const OPTIONS = { timeoutMs: 5000, env: {}, onStart() {} };

test("downloadCache keeps the archive that is there when the new one breaks off", async () => {
  using temporary = scratch();
  const file = join(temporary.path, "cache.zip");
  writeFileSync(file, "old archive");
  utimesSync(file, 0, 0);
  const server = createServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this");
      setTimeout(() => socket.destroy(), 20);
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const { signal } = new AbortController();
  await expect(downloadCache(`http://127.0.0.1:${port}/x`, file, { ...OPTIONS, signal })).rejects
    .toBeInstanceOf(TransientTransferError);
  expect(readFileSync(file, "utf8")).toBe("old archive");
  expect(readdirSync(temporary.path)).toEqual(["cache.zip"]);
  server.close();
});

test("downloadCache ends with the signal's reason and leaves nothing behind", async () => {
  using temporary = scratch();
  const controller = new AbortController();
  using server = Bun.serve({
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          start(stream) {
            stream.enqueue(Buffer.alloc(100_000));
          },
        }),
      ),
  });
  const file = join(temporary.path, "cache.zip");
  const onStart = () => setTimeout(() => controller.abort(new Error("enough")), 20);
  const download = downloadCache(`http://localhost:${server.port}/`, file, {
    ...OPTIONS,
    onStart,
    signal: controller.signal,
  });
  await expect(download).rejects.toThrow("enough");
  expect(readdirSync(temporary.path)).toEqual([]);
});

test("downloadCache does not call a disk that takes no more a fault of the storage", async () => {
  using temporary = scratch();
  using server = Bun.serve({ port: 0, fetch: () => new Response(Buffer.alloc(1_000_000)) });
  const options = JSON.stringify({ timeoutMs: 5000, env: {} });
  const code = `
    import { downloadCache } from ${JSON.stringify(TRANSFER)};
    const options = { ...${options}, onStart() {}, signal: new AbortController().signal };
    await downloadCache(${JSON.stringify(server.url.href)}, "cache.zip", options)
      .catch((error) => console.log(error.name, error.code));
  `;
  // A limit on the size of files stands for the disk: writing past it fails.
  const limited = 'trap \'\' XFSZ; ulimit -f 8; exec "$0" -e "$1"';
  const program = Bun.spawn(["sh", "-c", limited, process.execPath, code], {
    cwd: temporary.path,
    stdout: "pipe",
  });
  expect(await program.stdout.text()).toBe("Error EFBIG\n");
  expect(readdirSync(temporary.path)).toEqual([]);
});

test("withoutQuery hides signatures and passwords", () => {
  expect(withoutQuery("https://user:pass@host/bucket/key?X-Amz-Signature=s#f"))
    .toBe("https://host/bucket/key");
  expect(withoutQuery("nonsense")).toBe("an unreadable URL");
});
