/** What must never be readable in a log: masked values, tokens, credentials in other forms. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { eventually, expectSuccess, filesBelow, Lab } from "./lab.ts";

const SECRET = "S3cr3t-Value-1234567890";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({ requestConcurrency: 4 })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

test.concurrent("masked value is hidden: whole, doubled, and split across writes", async () => {
  const job = await lab.run({
    variables: { SECRET: { value: SECRET, masked: true } },
    script: [
      'echo "whole:$SECRET:"',
      'echo "twice:$SECRET$SECRET:"',
      'printf "split:%s" "${SECRET%%-*}"; sleep 0.3; printf -- "-%s:\\n" "${SECRET#*-}"',
    ],
  });
  expectSuccess(job);
  expect(job.text).not.toContain(SECRET);
  expect(job.lines).toContain("whole:[MASKED]:");
  expect(job.lines).toContain("twice:[MASKED][MASKED]:");
  expect(job.lines).toContain("split:[MASKED]:");
});

test.concurrent("masked value is hidden in the announcement of a command", async () => {
  const job = await lab.run({
    variables: { SECRET: { value: SECRET, masked: true } },
    script: `echo ${SECRET}`,
  });
  expectSuccess(job);
  expect(job.lines).toContain("$ echo [MASKED]");
});

test.concurrent("masked value is hidden in an expanded variable and in a file variable", async () => {
  const job = await lab.run({
    variables: {
      SECRET: { value: SECRET, masked: true },
      DERIVED: { value: "pre-$SECRET", masked: true },
      SECRET_FILE: { value: "content-of-a-secret-file", masked: true, file: true },
    },
    script: ['echo "$DERIVED."', 'cat "$SECRET_FILE"'],
  });
  expectSuccess(job);
  expect(job.text).not.toContain(SECRET);
  expect(job.text).not.toContain("content-of-a-secret-file");
  expect(job.lines).toContain("[MASKED].");
});

test.concurrent("job token and runner token are hidden", async () => {
  const job = await lab.run({
    script: ['echo "job $CI_JOB_TOKEN."', `echo "runner ${lab.runner.token}."`],
  });
  expectSuccess(job);
  expect(job.lines).toContain("job [MASKED].");
  expect(job.text).not.toContain(job.job.token);
  expect(job.text).not.toContain(lab.runner.token);
});

test.concurrent("job token is hidden where git would send it: base64 of user and password", async () => {
  const job = await lab.run({
    script: 'printf "gitlab-ci-token:%s" "$CI_JOB_TOKEN" | base64 -w0; echo',
  });
  expectSuccess(job);
  const encoded = Buffer.from(`gitlab-ci-token:${job.job.token}`).toString("base64");
  expect(job.text).not.toContain(encoded);
});

test.concurrent("password of a registry credential is hidden, plain and in its base64 form", async () => {
  const password = "registry-password-77";
  const job = await lab.run({
    script: [`echo "<${password}>"`, `printf "user:${password}" | base64 -w0; echo`],
    payload: {
      credentials: [{ type: "registry", url: "registry.example.com", username: "user", password }],
    },
  });
  expectSuccess(job);
  expect(job.text).not.toContain(password);
  expect(job.text).not.toContain(Buffer.from(`user:${password}`).toString("base64"));
});

test.concurrent("token prefixes and secret URL parameters are hidden", async () => {
  const job = await lab.run({
    script: [
      "echo glpat-abcdefghij0123456789 end",
      "echo 'https://example.com/?private_token=verysecret&x=1'",
    ],
  });
  expectSuccess(job);
  expect(job.lines).toContain("glpat-[MASKED] end");
  expect(job.lines).toContain("https://example.com/?private_token=[MASKED]&x=1");
  expect(job.text).not.toContain("abcdefghij0123456789");
});

test.concurrent("credentials of the repository are hidden in git's own messages", async () => {
  const { app } = lab.repositories;
  const job = await lab.run({
    repository: { ...app, sha: "f".repeat(40) },
    variables: { GIT_TRACE_CURL: "1", GIT_TRACE_REDACT: "0", GIT_TRACE: "1" },
    script: "true",
  });
  expect(job.state).toBe("failed");
  expect(job.text).not.toContain(job.job.token);
  const encoded = Buffer.from(`gitlab-ci-token:${job.job.token}`).toString("base64");
  expect(job.text).not.toContain(encoded);
});

test("nothing of a job's secrets is in the runner's own log or stays on disk", async () => {
  const job = await lab.run({
    repository: lab.repositories.app,
    variables: { SECRET: { value: SECRET, masked: true, file: true } },
    script: ['cat "$SECRET"', "false"],
  });
  expect(lab.process.log).not.toContain(SECRET);
  expect(lab.process.log).not.toContain(job.job.token);
  // The job's record goes after its result is told.
  await eventually(
    async () => (await filesWith([SECRET, job.job.token])).length === 0,
    "a directory without the job's secrets",
  );
});

async function filesWith(secrets: readonly string[]): Promise<string[]> {
  const names = filesBelow(lab.process.dir).filter((name) => !name.startsWith("repositories/"));
  const texts = await Promise.all(names.map((name) => Bun.file(lab.path(name)).text().catch(none)));
  return names.filter((_, index) => secrets.some((secret) => texts[index]?.includes(secret)));
}

/** Of a directory, and of a file that has gone meanwhile. */
function none(): string {
  return "";
}
