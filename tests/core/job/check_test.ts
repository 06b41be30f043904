import { expect, test } from "bun:test";
import { checkJob } from "../../../core/job/check.ts";
import { JobResponse } from "../../../core/job/response.ts";

const job = (more: object) => JobResponse.parse({ id: 1, token: "t", ...more });

test("JobResponse takes null for everything that may be missing", () => {
  const parsed = JobResponse.parse({
    id: 1,
    token: "t",
    job_info: null,
    git_info: null,
    runner_info: null,
    variables: null,
    steps: null,
    image: null,
    services: null,
    artifacts: null,
    cache: null,
    credentials: null,
    dependencies: null,
    features: null,
    hooks: null,
    inputs: null,
    run: null,
    secrets: null,
    policy_options: null,
  });
  expect(parsed.steps).toEqual([]);
  expect(parsed.runner_info.timeout).toBe(0);
  expect(checkJob(parsed)).toBeUndefined();
});

test("checkJob() accepts known executor options, whatever form the user has", () => {
  const image = { name: "a", executor_opts: { docker: { platform: "linux/arm64", user: 1000 } } };
  expect(checkJob(job({ image }))).toBeUndefined();
});

test("checkJob() refuses an unknown executor option with exit code 3 and names it", () => {
  const refusal = checkJob(job({ image: { name: "a", executor_opts: { docker: { usr: "x" } } } }));
  expect(refusal).toMatchObject({ reason: "runner_system_failure", exitCode: 3 });
  expect(refusal?.message).toContain("executor_opts.docker");
  expect(refusal?.message).toContain("usr");
});

test("checkJob() refuses a user of another type, steps of `run`, and external secrets", () => {
  expect(
    checkJob(job({ services: [{ name: "db", executor_opts: { docker: { user: {} } } }] }))?.message,
  )
    .toContain('service "db": executor_opts.docker.user');
  expect(checkJob(job({ run: "[]" }))?.message).toContain('"run"');
  expect(checkJob(job({ secrets: { PASSWORD: { vault: {} } } }))?.message).toContain("PASSWORD");
});
