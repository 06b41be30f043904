/** `exec` as people use it: the compiled executable in a repository of theirs. */

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";

const PIPELINE = `
stages: [build, test]
build:
  stage: build
  script:
    - mkdir out
    - cp untracked.txt out/copy.txt
    - echo "VERSION=1.2.3" > build.env
  after_script:
    - echo "status $CI_JOB_STATUS"
  artifacts:
    paths: [out]
    reports: {dotenv: build.env}
use:
  before_script: [echo before]
  script:
    - cat out/copy.txt
    - echo "version $VERSION of $CI_PROJECT_PATH on $CI_COMMIT_REF_NAME"
    - |
      echo first
      echo second
broken:
  needs: []
  script:
    - echo goes
    - exit 3
`;

test.concurrent("exec hands artifacts and dotenv variables on, and tells it all as events", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": PIPELINE });
  lab.write({ "untracked.txt": "not committed\n" });
  const { code, events } = await lab.events();
  expect(code).toBe(1);
  expect(outputOf(events, "use")).toEqual([
    "before",
    "not committed",
    "version 1.2.3 of group/app on main",
    "first",
    "second",
  ]);
  expect(
    ofType(events, "job.command").filter(({ job }) => job === "use")
      .map(({ text, script }) => [script, text]),
  ).toEqual([
    ["before_script", "echo before"],
    ["script", "cat out/copy.txt"],
    ["script", 'echo "version $VERSION of $CI_PROJECT_PATH on $CI_COMMIT_REF_NAME"'],
    ["script", "echo first\necho second"],
  ]);
  const finished = Object.fromEntries(
    ofType(events, "job.finished").map((event) => [event.job, event]),
  );
  expect(finished["build"]).toMatchObject({ status: "success", after_script_exit_code: 0 });
  expect(finished["use"]).toMatchObject({ status: "success", exit_code: 0, script: null });
  expect(finished["broken"]).toMatchObject({
    status: "failed",
    exit_code: 3,
    failure_reason: "script_failure",
    script: "script",
  });
  const artifacts = ofType(events, "artifact");
  expect(artifacts.map(({ kind }) => kind).sort()).toEqual(["archive", "dotenv"]);
  for (const { path } of artifacts) expect(existsSync(path)).toBe(true);
  expect(artifacts.map(({ files }) => files)).toEqual([1, 1]);
  expect(events.at(0)?.type).toBe("pipeline.started");
  expect(events.at(-1)).toMatchObject({
    type: "pipeline.finished",
    status: "failed",
    exit_code: 1,
  });
});

test.concurrent("exec keeps artifacts of jobs apart whose names no file can have", async () => {
  const job = (out: string) =>
    `  script: [echo ${out} > out]\n  artifacts:\n    paths: [out]\n    name: ${out}\n`;
  using lab = new ExecLab({
    ".gitlab-ci.yml": `试验:\n${job("same")}构建:\n${job("same")}a b:\n${job("same")}`,
  });
  const paths = ofType((await lab.events()).events, "artifact").map(({ path }) => path);
  expect(new Set(paths).size).toBe(3);
});

test.concurrent("exec changes nothing in the working tree", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "touch:\n  script: [touch made, rm .gitlab-ci.yml, git gc -q]\n",
  });
  lab.write({ "new.txt": "n\n" });
  const before = readFileSync(`${lab.repository}/.git/index`);
  expect((await lab.run()).code).toBe(0);
  expect(lab.git("status", "--short")).toBe("?? new.txt\n");
  expect(readFileSync(`${lab.repository}/.git/index`).equals(before)).toBe(true);
});

test.concurrent("exec says which attempt it is, and shows what failed once", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": "job:\n  retry: 1\n  script: [echo a, exit 3]\n" });
  const { stdout } = await lab.run();
  expect(stdout).toContain("job | started (shell)\n");
  expect(stdout).toContain("job | started again (shell), attempt 2\n");
  expect(stdout).toContain(
    "\njob failed\n  $ echo a\n  a\n  $ exit 3\n  ERROR: Job failed: exit status 3\n",
  );
});

test.concurrent("exec takes the old form, executor and job", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml":
      "one:\n  image: nowhere/none\n  script: [echo ran]\nshell:\n  script: [exit 1]\n",
  });
  const { code, events } = await lab.events("shell", "one");
  expect(code).toBe(0);
  expect(outputOf(events, "one")).toEqual(["ran"]);
});

test.concurrent("exec masks secrets of the user's settings, whose file must be private", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": "job:\n  script: ['echo \"got $PASSWORD\"']\n" });
  const path = `${lab.dir}/home/.config/gitlab-runner/exec-secrets.toml`;
  await Bun.write(path, 'variables = { PASSWORD = "open-sesame-1234" }\n');
  const refused = await lab.run();
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`chmod 600 "${path}"`);
  Bun.spawnSync(["chmod", "600", path]);
  const { stdout } = await lab.run();
  expect(stdout).toContain("got [MASKED]");
  expect(stdout).not.toContain("open-sesame");
});

test.concurrent("exec leaves no process behind when it is interrupted", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml":
      "job:\n  script:\n    - echo pid $$\n    - sleep 1000\nlater:\n  stage: deploy\n  script: [ls]\n",
  });
  const child = lab.start(["--json"]);
  let text = "";
  let isTold = false;
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    // A second signal would end it at once, whatever there is to tell.
    if (isTold || !text.includes('"text":"sleep 1000"')) continue;
    isTold = true;
    child.kill("SIGINT");
  }
  expect(await child.exited).toBe(130);
  const pid = Number(/pid (\d+)/.exec(text)?.[1]);
  expect(() => process.kill(pid, 0)).toThrow();
  expect(text).toContain('"status":"canceled","blocked":false,"exit_code":130');
  expect(text).toMatch(/"type":"job.skipped".*"job":"later".*"reason":"canceled"/);
});

test.concurrent("two runs at the same time do not meet", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "job:\n  script: [echo $$ > mine, sleep 0.5, 'test $$ = $(cat mine)']\n",
  });
  const results = await Promise.all([lab.run(), lab.run(), lab.run()]);
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
});

test.concurrent("exec shows what it would do, and runs nothing", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": 'build:\n  stage: build\n  script: [touch ran]\n  variables: {A: "1"}\n' +
      "never:\n  script: [ls]\n  rules: [{when: never}]\n" +
      "twice:\n  script: [ls]\n  rules: [{if: $NOPE, when: never}, {when: manual}]\n",
  });
  const looked = await lab.run("--list", "--json");
  const twice = "jobs:twice may allow multiple pipelines to run for a single action";
  expect(looked.stderr).toContain(`warning: .gitlab-ci.yml:8:1: ${twice}`);
  const listed = JSON.parse(looked.stdout);
  expect(listed).toMatchObject({
    jobs: [
      { name: "build", stage: "build", when: "on_success", needs: null, skipped: null },
      { name: "twice", skipped: "manual" },
      { name: "never", skipped: "rules" },
    ],
  });
  expect((await lab.run("--preview")).stdout).toContain("build:\n  stage: build\n");
  const planned = await lab.run("--dry-run");
  expect(planned.stdout).toContain("  build: shell; variables A");
  expect(planned.stdout).toContain(twice);
  expect((await lab.run("--explain-vars", "build")).stdout).toContain('A="1" (job)');
  expect((await lab.run("--dry-run", "never")).code).toBe(2);
  expect((await lab.run("--no-such-flag")).code).toBe(2);
});

test.concurrent("exec tells coverage, caches, retries and the counts of test reports", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml":
      "job:\n  retry: 1\n  cache: {key: deps, paths: [vendor]}\n  coverage: '/all (\\d+)%/'\n" +
      "  environment: {name: review/$CI_COMMIT_REF_SLUG, url: 'https://$CI_ENVIRONMENT_SLUG.example.com'}\n" +
      "  script:\n    - mkdir -p vendor && echo x > vendor/v\n" +
      "    - echo '<testsuite><testcase/><testcase><failure/></testcase></testsuite>' > r.xml\n" +
      "    - echo all 87%\n    - exit 9\n" +
      "  artifacts: {reports: {junit: r.xml}}\n",
  });
  const { code, events } = await lab.events();
  expect(code).toBe(1);
  const finished = ofType(events, "job.finished");
  expect(finished.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(finished[1]).toMatchObject({
    coverage: 87,
    exit_code: 9,
    environment: { name: "review/main", url: expect.stringContaining("review-main") },
  });
  expect(ofType(events, "cache")).toMatchObject([
    { action: "skip", key: "deps" },
    { action: "skip", key: "deps" },
  ]);
  const [report] = ofType(events, "artifact");
  expect(report).toMatchObject({ kind: "junit", name: "junit.xml" });
  expect(readFileSync(report?.path ?? "", "utf8")).toContain("<testcase/>");
  expect(events.at(-1)).toMatchObject({
    junit: { tests: 2, failures: 1, errors: 0, skipped: 0 },
  });
});

test.concurrent("exec takes the flags of GitLab Runner's exec", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "job:\n  script: ['echo \"$FROM_FLAG in $PWD, $CI_JOB_TIMEOUT\"']\n",
  });
  const builds = `${lab.dir}/elsewhere`;
  const { code, events } = await lab.events(
    "shell",
    "job",
    "--env",
    "FROM_FLAG=given",
    "--builds-dir",
    builds,
    "--timeout",
    "100",
    "--docker-privileged",
  );
  expect(code).toBe(0);
  expect(outputOf(events, "job")[0]).toStartWith(`given in ${builds}/`);
  expect(outputOf(events, "job")[0]).toEndWith(", 100");
});

test.concurrent("exec --no-color is a flag like any other", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": "job:\n  script: [ls]\n" });
  expect(await lab.run("--no-color")).toMatchObject({ code: 0, stderr: "" });
});

test.concurrent("exec hands id_tokens of the user to the jobs that ask for them", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
asks:
  id_tokens: {CLOUD: {aud: https://cloud.example.com}, OTHER: {aud: other}, MINE: {aud: mine}}
  variables: {MINE: own}
  script: ['echo "$CLOUD, \${#CLOUD} characters, other $OTHER, $MINE"']
does-not: {script: ['echo "none: $CLOUD"']}
`,
  });
  const directory = `${lab.dir}/home/.config/gitlab-runner`;
  await Bun.write(`${directory}/exec-secrets.toml`, '[id_tokens]\nCLOUD = "a$b-token-of-mine"\n');
  Bun.spawnSync(["chmod", "600", `${directory}/exec-secrets.toml`]);
  const { code, events } = await lab.events();
  expect(code).toBe(0);
  expect(outputOf(events, "asks")).toEqual(["[MASKED], 17 characters, other , own"]);
  expect(outputOf(events, "does-not")).toEqual(["none: "]);
  expect(events[0]).toMatchObject({
    type: "warning",
    message: "id_tokens are not made here: set OTHER in [id_tokens] of " +
      "gitlab-runner/exec-secrets.toml (asks)",
    keyword: "id_tokens",
  });
  expect((await lab.run("--explain-vars", "asks")).stdout).toContain("CLOUD=[MASKED] (id_tokens)");
});

test.concurrent("exec hands secrets of the user to the jobs that ask for them, in files", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
asks:
  secrets:
    PASSWORD: {vault: production/db/password@ops}
    KEY: {vault: production/db/key@ops, file: false}
    OTHER: {vault: production/db/other@ops}
  script:
    - 'stat -c "%a %s" "$PASSWORD"'
    - 'echo "$KEY, \${#KEY} characters, other $OTHER"'
    - cat "$PASSWORD"
does-not: {script: ['echo "none: $PASSWORD"']}
`,
  });
  const directory = `${lab.dir}/home/.config/gitlab-runner`;
  const secrets = '[secrets]\nPASSWORD = "pass$word of mine"\nKEY = "key-of-mine"\n';
  await Bun.write(`${directory}/exec-secrets.toml`, secrets);
  Bun.spawnSync(["chmod", "600", `${directory}/exec-secrets.toml`]);
  const { code, events } = await lab.events();
  const lines = ["600 17", "[MASKED], 11 characters, other ", "[MASKED]"];
  expect([code, outputOf(events, "asks")]).toEqual([0, lines]);
  expect(outputOf(events, "does-not")).toEqual(["none: "]);
  expect(events[0]).toMatchObject({
    type: "warning",
    message: "secrets are not fetched here: set OTHER in [secrets] of " +
      "gitlab-runner/exec-secrets.toml (asks)",
  });
});
