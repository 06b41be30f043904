import { expect, test } from "bun:test";
import type { JobHandle, UpdateOutcome } from "../../../core/coordinator/coordinator.ts";
import { acceptJob } from "../../../core/runner/accept.ts";

const answer = { cancelRequested: false, updateIntervalMs: undefined };

function handleThatAnswers(...outcomes: UpdateOutcome[]): JobHandle {
  return {
    id: 1,
    patchTrace: () => Promise.reject(new Error("not asked for")),
    updateJob: () => Promise.resolve(outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!),
  };
}

const signal = new AbortController().signal;

test.each<[string, UpdateOutcome, string]>([
  ["200", { kind: "accepted", ...answer }, "accepted"],
  ["a cancel", { kind: "accepted", ...answer, cancelRequested: true }, "canceled"],
  ["403", { kind: "job-over", status: "canceled", ...answer }, "dropped"],
  ["404", { kind: "job-not-found", ...answer }, "dropped"],
  ["400", { kind: "rejected", status: 400, message: "Bad", ...answer }, "dropped"],
  ["409", { kind: "rejected", status: 409, message: "Conflict", ...answer }, "dropped"],
])("acceptJob() takes %s as its coordinator means it", async (_, outcome, kind) => {
  expect((await acceptJob(handleThatAnswers(outcome), { signal })).kind).toBe(kind as never);
});

test("acceptJob() asks again after a server error until it knows", async () => {
  const handle = handleThatAnswers(
    { kind: "rejected", status: 500, message: "Internal", ...answer },
    { kind: "accepted", ...answer },
  );
  expect(await acceptJob(handle, { signal })).toEqual({ kind: "accepted" });
});

test("acceptJob() gives up waiting when its signal aborts", async () => {
  const stop = new AbortController();
  const handle = handleThatAnswers({ kind: "unreachable", message: "refused", ...answer });
  const waiting = acceptJob(handle, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("going down")), 20);
  expect(waiting).rejects.toThrow("going down");
  await waiting.catch(() => {});
});
