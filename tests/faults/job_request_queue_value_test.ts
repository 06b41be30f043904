/** Faults of protocol section 16.2, job request: the queue value that goes back and forth. */

import { expect, setDefaultTimeout, test } from "bun:test";

import type { RecordedRequest } from "../../core/embedded/mod.ts";
import { Bench, eventually, JOB_REQUEST } from "./harness.ts";

setDefaultTimeout(30_000);

const HEADER = "X-GitLab-Last-Update";

function lastUpdates(requests: readonly RecordedRequest[]): (string | undefined)[] {
  return requests.map(({ body }) => JSON.parse(body ?? "").last_update);
}

test.concurrent("fault 11: a 204 without a queue value leaves the old one, which is sent again", async () => {
  await using bench = await Bench.open();
  const { queueToken } = bench.runner;
  bench.coordinator.inject({
    match: { path: JOB_REQUEST, nth: 2 },
    action: { kind: "answer", status: 204 },
    times: 2,
  });
  bench.start();
  await eventually(() => bench.jobRequests().length >= 4, "four requests");
  expect(lastUpdates(bench.jobRequests()).slice(0, 4))
    .toEqual([undefined, queueToken, queueToken, queueToken]);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 12: of queue values that change with each 204 the newest is sent", async () => {
  await using bench = await Bench.open();
  for (const value of ["first", "second", "third"]) {
    bench.coordinator.inject({
      match: { path: JOB_REQUEST },
      action: { kind: "answer", status: 204, headers: { [HEADER]: value } },
    });
  }
  bench.start();
  await eventually(() => bench.jobRequests().length >= 4, "four requests");
  expect(lastUpdates(bench.jobRequests()).slice(0, 4))
    .toEqual([undefined, "first", "second", "third"]);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 13: a queue value that comes with a job is stored, and the next request follows at once", async () => {
  await using bench = await Bench.open();
  const job = bench.coordinator.enqueue({ script: "echo first" });
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "alter", headers: { [HEADER]: "came-with-a-job" } },
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["first"] });
  await eventually(() => bench.jobRequests().length >= 2, "another request");
  const [first, second] = bench.jobRequests();
  expect(lastUpdates(bench.jobRequests())[1]).toBe("came-with-a-job");
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThan(500);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});
