import { expect, test } from "bun:test";
import { jobAddresses } from "../../../../core/local/replay/job_address.ts";

function read(text: string): string[] {
  return jobAddresses(text).map(({ serverUrl, projectPath, jobId }) =>
    `${serverUrl} ${projectPath} ${jobId}`
  );
}

test("jobAddresses() takes the address of a job's page apart, the likeliest meaning first", () => {
  expect(read("https://gitlab.example.com/group/sub/app/-/jobs/123")).toEqual([
    "https://gitlab.example.com group/sub/app 123",
    "https://gitlab.example.com/group sub/app 123",
  ]);
});

test("jobAddresses() takes addresses as people copy them", () => {
  const meant = ["http://localhost:8080 group/app 7"];
  for (
    const text of [
      "http://localhost:8080/group/app/-/jobs/7/",
      " http://localhost:8080/group/app/-/jobs/7#L12 ",
      "http://localhost:8080/group/app/-/jobs/7/raw",
      "http://localhost:8080/group/app/-/jobs/7/artifacts/browse",
      "http://localhost:8080/group/app/jobs/7",
    ]
  ) expect([text, read(text)]).toEqual([text, meant]);
});

test("jobAddresses() refuses everything else, and shows no password", () => {
  for (
    const text of [
      "",
      "gitlab.example.com/group/app/-/jobs/7",
      "https://gitlab.example.com/group/app/-/pipelines/7",
      "https://gitlab.example.com/app/-/jobs/7",
      "https://gitlab.example.com/group//app/-/jobs/7",
      "ssh://gitlab.example.com/group/app/-/jobs/7",
    ]
  ) expect(() => read(text)).toThrow(`Invalid value "${text}" for --job-url`);
  expect(() => read("https://user:glpat-1@gitlab.example.com/nothing"))
    .toThrow('Invalid value "https://gitlab.example.com/nothing"');
});
