/** What holds for plugins that take files. */

import type { HostFile } from "../../executor.ts";
import { JobCanceled } from "../../util/abort.ts";
import { checkIO, type CheckJob, NEVER, openJob } from "./bench.ts";
import { type CheckCase, endOf } from "./check_case.ts";
import { CheckFailure, expectEqual, expectTrue } from "./expect.ts";

export const FILE_CASES: readonly CheckCase[] = [
  onFiles("a file that was put is whole, and scripts can start it", async (job) => {
    const path = await put(job, program("it runs"));
    const io = checkIO();
    expectEqual("its end", endOf(await job.run(`"${path}"`, io)), { kind: "exited", code: 0 });
    expectEqual("the output", io.text(), "it runs\n");
  }),
  onFiles("a file that is there already is not read again", async (job) => {
    const { file, reads } = counted(program("twice"));
    const first = await put(job, file);
    const before = reads();
    expectEqual("its path", await put(job, file), first);
    expectEqual("pieces read again", reads() - before, 0);
  }),
  onFiles("a file whose content is not what was announced is refused", async (job) => {
    const wrong = { ...program("wrong"), sha256: program("right").sha256 };
    const why = await put(job, wrong).then(() => "taken", () => "refused");
    expectEqual("the file", why, "refused");
  }),
  onFiles("an abort ends the transfer, and the job goes on", async (job) => {
    const stop = new AbortController();
    const reason = new JobCanceled();
    const file = program("aborted");
    const read = (offset: number, length: number) => {
      if (offset > 0) stop.abort(reason);
      return file.read(offset, length);
    };
    const why = await put(job, { ...file, read }, stop.signal).then(
      () => "taken",
      (error) => error,
    );
    expectEqual("what it rejects with", why, reason);
    expectEqual("its end", endOf(await job.run("exit 0")), { kind: "exited", code: 0 });
  }),
];

function onFiles(name: string, check: (job: CheckJob) => Promise<void>): CheckCase {
  return {
    name,
    needs: "files",
    async run(bench) {
      await using job = await openJob(bench);
      expectTrue("prepare names no arch: nothing is ever put", job.environment.arch !== undefined);
      await check(job);
    },
  };
}

async function put({ executor }: CheckJob, file: HostFile, signal = NEVER): Promise<string> {
  if (executor.putFile === undefined) throw new CheckFailure("it takes no files");
  return await executor.putFile(file, { signal });
}

/** Several pieces long, and like no file before. */
const PROGRAM_BYTES = 3_500_000;

function program(words: string): HostFile {
  const bytes = new Uint8Array(PROGRAM_BYTES).fill(0x0a);
  bytes.set(new TextEncoder().encode(`#!/bin/sh\necho ${words}\nexit\n# ${crypto.randomUUID()}`));
  return {
    name: "program",
    size: bytes.length,
    sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

function counted(file: HostFile): { readonly file: HostFile; reads(): number } {
  let reads = 0;
  const read: HostFile["read"] = (offset, length) => {
    reads++;
    return file.read(offset, length);
  };
  return { file: { ...file, read }, reads: () => reads };
}
