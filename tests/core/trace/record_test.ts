import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { JobRecord } from "../../../core/trace/record.ts";
import { FACTS } from "./fake_job.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

describe("JobRecord", () => {
  test("keeps facts, note and result across processes, for this user's eyes only", () => {
    using directory = temporaryDirectory();
    const record = JobRecord.create(directory.path, FACTS);
    record.note({ container: "c0ffee", slot: 3 });
    record.decide({ state: "failed", failureReason: "script_failure", exitCode: 7 });
    const { records: [found], damaged } = JobRecord.list(directory.path);
    expect(damaged).toEqual([]);
    expect(found?.path).toBe(record.path);
    expect({ ...found?.facts, jobToken: found?.facts.jobToken.reveal() }).toEqual({
      ...FACTS,
      jobToken: "64_job-token",
    } as never);
    expect(found?.executorNote).toEqual({ container: "c0ffee", slot: 3 });
    expect(found?.finalState).toEqual({
      state: "failed",
      failureReason: "script_failure",
      exitCode: 7,
    });
    expect(found?.managerPid).toBe(process.pid);
    expect(Math.abs(Date.now() - found!.startedAt.getTime())).toBeLessThan(5000);
    expect(Math.abs(Date.now() - found!.decidedAt!.getTime())).toBeLessThan(5000);
    expect(statSync(record.path).mode & 0o777).toBe(0o700);
    expect(statSync(join(record.path, "job.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(record.path)).toEqual(["job.json"]);
  });

  test("does not print the job's token", () => {
    using directory = temporaryDirectory();
    const record = JobRecord.create(directory.path, FACTS);
    expect(Bun.inspect(record) + Bun.inspect(record.facts)).not.toContain("64_job-token");
  });

  test("tells two jobs of the same number apart, and forgets removed ones", () => {
    using directory = temporaryDirectory();
    const first = JobRecord.create(directory.path, FACTS);
    const second = JobRecord.create(directory.path, FACTS);
    first.remove();
    first.remove();
    expect(JobRecord.list(directory.path).records.map((found) => found.path)).toEqual([
      second.path,
    ]);
    expect(second.finalState).toBeUndefined();
  });

  test("lists what it can read, and says why it cannot read the rest without quoting it", () => {
    using directory = temporaryDirectory();
    expect(JobRecord.list(directory.path)).toEqual({ records: [], damaged: [] });
    JobRecord.create(directory.path, FACTS);
    for (
      const [name, content] of [["cut", '{"job_token":"64_secr'], ["odd", '{"version":1}']] as const
    ) {
      mkdirSync(join(directory.path, "jobs", name));
      writeFileSync(join(directory.path, "jobs", name, "job.json"), content);
    }
    mkdirSync(join(directory.path, "jobs", "empty"));
    const { records, damaged } = JobRecord.list(directory.path);
    expect(records.length).toBe(1);
    expect(damaged.length).toBe(3);
    const reasons = damaged.map((one) => one.reason).join("\n");
    expect(reasons).toContain("is not JSON");
    expect(reasons).toContain("coordinator_url");
    expect(reasons).toContain("ENOENT");
    expect(reasons).not.toContain("64_secr");
  });

  test("reads the old state while a new one is being written", () => {
    using directory = temporaryDirectory();
    const record = JobRecord.create(directory.path, FACTS);
    writeFileSync(join(record.path, "job.json.new"), "half");
    expect(JobRecord.list(directory.path).records.length).toBe(1);
    record.note({ a: 1 });
    expect(JSON.parse(readFileSync(join(record.path, "job.json"), "utf8")).executor_note).toEqual({
      a: 1,
    });
  });
});
