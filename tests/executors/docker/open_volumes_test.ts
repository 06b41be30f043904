import { expect, test } from "bun:test";
import { decodeTarHeader } from "../../../core/archive/tar_header.ts";
import { EngineError } from "../../../executors/docker/engine/mod.ts";
import { type FileEngine, VolumeOpener } from "../../../executors/docker/open_volumes.ts";
import { LineLog, NEVER } from "./images/support.ts";

/** An engine with directories of these permissions, all of user 5; `calls` are what it was asked. */
function setUp(directories: Readonly<Record<string, number | EngineError>>) {
  const calls: string[] = [];
  const log = new LineLog();
  const engine: FileEngine = {
    async permissions(_id, path) {
      const found = directories[path] ?? 0;
      if (found instanceof EngineError) throw found;
      return found;
    },
    async ownerOf(_id, path) {
      calls.push(`owner of ${path}`);
      return { uid: 5, gid: 6 };
    },
    async putArchive(id, path, tar) {
      const chunks: Uint8Array[] = [];
      for await (const bytes of tar) chunks.push(bytes);
      const { name, mode, uid, gid } = decodeTarHeader(Buffer.concat(chunks).subarray(0, 512))!;
      calls.push(`${id} ${path} ${name} ${mode.toString(8)} ${uid}:${gid}`);
    },
  };
  const opener = new VolumeOpener({ engine, paths: Object.keys(directories), log });
  return { opener, calls, log };
}

test("VolumeOpener opens what is closed, for its owner too, and once for all containers", async () => {
  const { opener, calls, log } = setUp({ "/a/cache/": 0o755, "/open": 0o777 });
  await Promise.all([opener.open("c1", { signal: NEVER }), opener.open("c2", { signal: NEVER })]);
  expect(calls).toEqual(["owner of /a/cache/", "c1 /a cache/ 777 5:6"]);
  expect(log.lines).toEqual([]);
});

test("VolumeOpener warns of what it cannot open, and not of what something lies over", async () => {
  const { opener, calls, log } = setUp({
    "/odd": new EngineError("server", "read-only file system"),
    "/covered": new EngineError("not-found", "HTTP status 404"),
    "/closed": 0o700,
  });
  await opener.open("c", { signal: NEVER });
  expect(calls).toEqual(["owner of /closed", "c / closed/ 777 5:6"]);
  expect(log.lines).toEqual([
    'warning Cannot let all users write in "/odd": read-only file system',
  ]);
});
