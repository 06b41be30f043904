import { expect, test } from "bun:test";
import { parseConfig } from "../../../core/config/load.ts";
import { JobResponse } from "../../../core/job/response.ts";
import { judgeQueueing } from "../../../core/runner/queue_threshold.ts";

const NOON = new Date("2026-11-25T12:00:00Z");

function judge(definitions: readonly string[], seconds: number, running = "2") {
  const toml = [
    '[[runners]]\nname = "r"\nurl = "https://h"\ntoken = "t"\nexecutor = "shell"',
    ...definitions.map((lines) => `[[runners.monitoring.job_queuing_durations]]\n${lines}`),
  ].join("\n");
  const { config } = parseConfig(toml, { path: "config.toml", env: {} });
  const job = JobResponse.parse({
    id: 1,
    token: "t",
    job_info: {
      name: "j",
      stage: "s",
      project_id: 1,
      time_in_queue_seconds: seconds,
      project_jobs_running_on_instance_runners_count: running,
    },
    git_info: { repo_url: "", ref: "", sha: "" },
  });
  return judgeQueueing(config.runners[0]!.monitoring, job.job_info, NOON);
}

const ALWAYS = 'periods = ["* * * * *"]\ntimezone = "UTC"\nthreshold = "1m"';

test("judgeQueueing() finds no job late without a definition", () => {
  expect(judge([], 1e6)).toEqual({ isLate: false, problems: [] });
});

test("judgeQueueing() compares with the threshold", () => {
  expect(judge([ALWAYS], 60).isLate).toBe(false);
  expect(judge([ALWAYS], 60.5).isLate).toBe(true);
});

test("judgeQueueing() takes the last definition that is active", () => {
  const night = ALWAYS.replace('"* * * * *"', '"* 0-5 * * *"').replace("1m", "1s");
  const day = ALWAYS.replace('"* * * * *"', '"* 0 * * *", "* 8-18 * * *"').replace("1m", "1h");
  expect(judge([ALWAYS, night], 30).isLate).toBe(false);
  expect(judge([ALWAYS, day], 90).isLate).toBe(false);
  expect(judge([day, ALWAYS], 90).isLate).toBe(true);
});

test("judgeQueueing() looks at how many jobs of the project run", () => {
  const few = `${ALWAYS}\njobs_running_for_project = "^[0-2]$"`;
  expect(judge([few], 90, "2").isLate).toBe(true);
  expect(judge([few], 90, "+Inf").isLate).toBe(false);
});

test("judgeQueueing() names a definition that it cannot use, and goes on", () => {
  const bad = ALWAYS.replace("* * * * *", "often");
  expect(judge([ALWAYS, bad], 90)).toEqual({
    isLate: true,
    problems: ['monitoring.job_queuing_durations[1]: "often" has 1 fields, not 5 to 7'],
  });
});
