/** Keywords of jobs whose effect is seen when the job runs: read from YAML, run by the executable. */

import { expect, test } from "bun:test";
import type { ExecEvent } from "../../core/local/events.ts";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";

interface Ran {
  readonly code: number;
  readonly events: readonly ExecEvent[];
}

async function run(yaml: string, files: Readonly<Record<string, string>> = {}): Promise<Ran> {
  using lab = new ExecLab({ ".gitlab-ci.yml": yaml, ...files });
  return await lab.events();
}

/** `success`, `failed`… of each job. */
function statuses({ events }: Ran): Record<string, string> {
  return Object.fromEntries(ofType(events, "job.finished").map(({ job, status }) => [job, status]));
}

test.concurrent("exec runs hooks, before_script, script and after_script in their order", async () => {
  const { events } = await run(`
job:
  hooks:
    pre_get_sources_script: [echo hook]
  before_script: [export WORD=shared]
  script: ['echo "script $WORD"', exit 7]
  after_script: ['echo "after $CI_JOB_STATUS \${WORD:-nothing}"']
`);
  expect(outputOf(events, "job")).toEqual(["hook", "script shared", "after failed nothing"]);
  expect(ofType(events, "job.finished")).toMatchObject([{ exit_code: 7, status: "failed" }]);
});

test.concurrent("exec expands variables in each other before the job sees them", async () => {
  const { events } = await run(`
variables:
  PACKAGE: $OUT/package
  OUT: \${ROOT}/out
  ROOT: /builds
  RAW: { value: "$ROOT", expand: false }
job:
  script: ['echo "$PACKAGE $RAW $AGAIN"']
  variables: { AGAIN: "$RAW" }
`);
  expect(outputOf(events, "job")).toEqual(["/builds/out/package $ROOT $ROOT"]);
});

test.concurrent("exec keeps the artifacts that a job names, for the jobs that want them", async () => {
  const ran = await run(`
stages: [build, test]
build:
  stage: build
  script: [mkdir -p out/deep, echo kept > out/kept, echo no > out/deep/x.log, echo new > made]
  artifacts:
    name: "built-$CI_JOB_NAME"
    paths: [out]
    exclude: ["out/**/*.log"]
    untracked: false
loose:
  stage: build
  script: [echo loose > loose.txt]
  artifacts: { untracked: true }
failing:
  stage: build
  script: [echo why > why.txt, exit 1]
  allow_failure: true
  artifacts: { paths: [why.txt], when: on_failure }
all:
  stage: test
  script: [cat out/kept loose.txt why.txt, test ! -e out/deep/x.log, test ! -e made]
one:
  stage: test
  dependencies: [loose]
  script: [cat loose.txt, test ! -e out]
needed:
  stage: test
  needs: [{ job: build, artifacts: false }, loose]
  script: [cat loose.txt, test ! -e out]
`);
  expect(statuses(ran)).toMatchObject({ all: "success", one: "success", needed: "success" });
  expect(outputOf(ran.events, "all")).toEqual(["kept", "loose", "why"]);
});

test.concurrent("exec hands dotenv reports on, as far as artifacts go", async () => {
  const ran = await run(`
stages: [build, test]
build:
  stage: build
  variables: { MORE: more }
  script:
    - 'echo "HOST=review.example.com" > deploy.env'
    - 'echo "WHO=me" > more.env'
    - 'echo "<testcase/>" | tee a.xml > b.xml'
  artifacts: { reports: { dotenv: [deploy.env, $MORE.env], junit: [a.xml, b.xml] } }
deploy:
  stage: test
  variables: { BOTH: $WHO at $HOST }
  environment: { name: review, url: "https://$HOST" }
  script: ['echo "$CI_ENVIRONMENT_URL"', 'echo "$BOTH"']
without:
  stage: test
  needs: []
  script: ['echo "got \${HOST:-nothing}"']
`);
  expect(outputOf(ran.events, "deploy")).toEqual([
    "https://review.example.com",
    "me at review.example.com",
  ]);
  expect(ran.events.at(-1)).toMatchObject({ junit: { tests: 2 } });
  expect(outputOf(ran.events, "without")).toEqual(["got nothing"]);
});

test.concurrent("exec takes a dotenv report's values as they are, and expands what they name", async () => {
  const ran = await run(`
stages: [build, test]
build:
  stage: build
  script:
    - printf 'A=one' > a.env
    - echo 'B=$A two' > b.env
    - echo 'C="x y"' >> b.env
  artifacts: { reports: { dotenv: [a.env, b.env] } }
use: { stage: test, script: ['echo "[$A] [$B] [$C]"'] }
`);
  expect(outputOf(ran.events, "use")).toEqual(['[one] [one two] ["x y"]']);
});

test.concurrent("exec fails a job whose report GitLab could not read, and says why", async () => {
  const ran = await run(`
empty line:
  script:
    - (echo A=1; echo; echo B=2) > a.env
  artifacts: { reports: { dotenv: a.env } }
list:
  script:
    - echo '[]' > a.json
  artifacts: { reports: { annotations: a.json } }
`);
  expect(statuses(ran)).toMatchObject({ "empty line": "failed", list: "failed" });
  const errors = ofType(ran.events, "job.output").map(({ text }) => text)
    .filter((text) => text.startsWith("ERROR: Uploading")).join("\n");
  expect(errors).toContain("error=Invalid Format");
  expect(errors).toContain("error=Annotations files must be a JSON object");
});

test.concurrent("exec keeps caches from run to run, as their policies say", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
stages: [one, two]
fill:
  stage: one
  script: ['cat stored/value || true', mkdir -p stored, 'date +%N > stored/value', 'cat stored/value']
  cache:
    key: "$CI_COMMIT_REF_NAME-key"
    paths: [stored]
    policy: $POLICY
  variables: { POLICY: pull-push }
pull:
  stage: two
  script: ['cat stored/value', rm -r stored]
  cache: { key: main-key, paths: [stored], policy: pull }
fallback:
  stage: two
  script: ['cat stored/value']
  cache: { key: other, fallback_keys: [main-key], paths: [stored], policy: pull }
failed:
  stage: two
  script: [mkdir kept, echo x > kept/x, exit 1]
  allow_failure: true
  cache: { key: failed, paths: [kept], when: on_failure }
push:
  stage: two
  script: ['test ! -e kept/x', mkdir -p kept, echo y > kept/x]
  cache: { key: failed, paths: [kept], policy: push }
  needs: []
loose:
  stage: two
  script: ['cat loose.txt || echo nothing', echo loose > loose.txt]
  cache: { key: loose, untracked: true }
locked:
  stage: two
  script: ['cat kept/lock || echo nothing', mkdir -p kept, cp lock kept/lock]
  cache: { key: { files: [lock], prefix: locked }, paths: [kept] }
`,
    lock: "one\n",
  });
  const first = await lab.events();
  const [value = ""] = outputOf(first.events, "fill").slice(-1);
  expect(outputOf(first.events, "pull")).toEqual([value]);
  expect(outputOf(first.events, "fallback")).toEqual([value]);
  const second = await lab.events();
  expect(outputOf(second.events, "fill")[0]).toBe(value);
  expect(statuses(second)).toMatchObject({ push: "success" });
  expect(outputOf(second.events, "loose")).toEqual(["loose"]);
  expect(outputOf(second.events, "locked")).toEqual(["one"]);
  lab.write({ lock: "two\n" });
  const third = await lab.events("locked");
  expect(outputOf(third.events, "locked")).toEqual([
    expect.stringContaining("kept/lock"),
    "nothing",
  ]);
});

test.concurrent("exec ends a job after its timeout, and finds its coverage", async () => {
  const { events } = await run(`
slow:
  timeout: 2 seconds
  script: [sleep 60]
measured:
  script: ['echo "Total coverage: 81.25 %"']
  coverage: '/Total coverage: (\\d+\\.\\d+) %/'
`);
  const finished = ofType(events, "job.finished");
  expect(finished.find(({ job }) => job === "slow")).toMatchObject({
    status: "failed",
    failure_reason: "job_execution_timeout",
  });
  expect(finished.find(({ job }) => job === "measured")).toMatchObject({ coverage: 81.25 });
});

test.concurrent("exec tries again, lets fail, and goes on as the jobs say", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
stages: [build, test, deploy]
flaky:
  stage: build
  script: ['test -e "$MARK" || { touch "$MARK"; exit 3; }']
  retry: { max: 1, exit_codes: 3 }
allowed:
  stage: build
  script: exit 4
  allow_failure: { exit_codes: 4 }
test:
  stage: test
  script: exit 1
  parallel: { matrix: [{ OS: [linux, mac] }] }
  rules: [{ if: $CI_COMMIT_BRANCH == "main" }]
report:
  stage: deploy
  script: 'echo "report $CI_JOB_STAGE"'
  when: on_failure
deploy:
  stage: deploy
  script: echo deployed
early:
  stage: deploy
  needs: [flaky]
  script: echo early
by_hand:
  stage: deploy
  script: echo by hand
  when: manual
`,
  });
  const ran = await lab.events("--variable", `MARK=${lab.dir}/mark`);
  expect(ran.code).toBe(1);
  expect(statuses(ran)).toEqual({
    flaky: "success",
    allowed: "failed",
    "test: [linux]": "failed",
    "test: [mac]": "failed",
    report: "success",
    early: "success",
  });
  expect(
    ofType(ran.events, "job.skipped").map(({ job, reason }) => [job, reason]).toSorted(),
  ).toEqual([["by_hand", "manual"], ["deploy", "stage_failed"]]);
  expect(
    ofType(ran.events, "job.started").filter(({ job }) => job === "flaky").map((each) =>
      each.attempt
    ),
  ).toEqual([1, 2]);
});

test.concurrent("exec fills in the inputs of a job, and tells the commands as they are run", async () => {
  const ran = await run(
    `
job:
  inputs:
    name: { default: world }
    count: { type: number, default: 3 }
    flag: { type: boolean, default: true }
    list: { type: array, default: [a, b] }
  before_script: ['echo before \${{ job.inputs.name }}']
  script:
    - echo hello \${{ job.inputs.name }} \${{ job.inputs.count + 1 }} \${{ job.inputs.flag }}
    - echo '\${{ job.inputs.list }}'
  after_script: ['echo after \${{ job.inputs.name }}']
  artifacts: { name: "of \${{ job.inputs.name }}", paths: [README] }
wrong:
  inputs: { name: { default: world } }
  script: ['echo \${{ job.inputs.other }}']
  allow_failure: true
`,
    { README: "read me\n" },
  );
  expect(outputOf(ran.events, "job")).toEqual([
    "before world",
    "hello world 4 true",
    '["a","b"]',
    "after world",
  ]);
  expect(ofType(ran.events, "job.command").filter(({ job }) => job === "job")).toMatchObject([
    { text: "echo before world", script: "before_script" },
    { text: "echo hello world 4 true", script: "script" },
    { text: `echo '["a","b"]'`, script: "script" },
    { text: "echo after world", script: "after_script" },
  ]);
  expect(ofType(ran.events, "artifact")).toMatchObject([{ name: "of_world.zip" }]);
  expect(statuses(ran)).toEqual({ job: "success", wrong: "failed" });
});

test.concurrent("exec reads coverage with RE2's expressions, from the end of the log", async () => {
  const { events } = await run(`
job:
  script: ['echo "Coverage: 10%"', 'echo "Coverage: 41.5% (was 40%)"']
  coverage: '/(?i)coverage: (?P<now>\\d+\\.\\d+)\\pZ?%/'
`);
  expect(ofType(events, "job.finished")).toMatchObject([{ coverage: 41.5 }]);
});

test.concurrent("exec makes keys of caches from files, or from their commits", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
content:
  script: [touch kept]
  cache: { key: { files: [lock] }, paths: [kept] }
commits:
  script: [touch kept]
  cache: { key: { files_commits: [lock] }, paths: [kept] }
`,
    lock: "one\n",
  });
  const keys = async () => {
    const { events } = await lab.events();
    return Object.fromEntries(ofType(events, "cache").map(({ job, key }) => [job, key]));
  };
  const before = await keys();
  expect(Object.keys(before).sort()).toEqual(["commits", "content"]);
  expect(before["content"]).not.toBe(before["commits"]);
  lab.write({ lock: "two\n" });
  const changed = await keys();
  expect(changed["content"]).not.toBe(before["content"]);
  lab.write({ lock: "one\n" });
  lab.git("commit", "--quiet", "--allow-empty", "--message=Nothing");
  expect(await keys()).toEqual(before);
});

test.concurrent("exec ends all jobs when one fails, where the workflow says so", async () => {
  const ran = await run(
    `
workflow: { auto_cancel: { on_job_failure: all } }
fails: { script: [sleep 0.5, exit 1] }
long:
  script: [echo begun, sleep 600, echo not reached]
  after_script: ['echo "after $CI_JOB_STATUS"']
child: { trigger: { include: child.yml, strategy: depend } }
later: { stage: deploy, script: 'true', when: always }
`,
    { "child.yml": "inner: { script: [echo begun, sleep 600] }\n" },
  );
  expect(ran.code).toBe(1);
  // Bash says itself that it was ended.
  expect(outputOf(ran.events, "long")).toEqual(["begun", "Terminated", "after canceled"]);
  expect(statuses(ran)).toEqual({
    fails: "failed",
    long: "canceled",
    inner: "canceled",
    child: "canceled",
  });
  expect(ofType(ran.events, "job.skipped").map(({ job }) => job)).toEqual(["later"]);
  const [finished] = ofType(ran.events, "pipeline.finished").slice(-1);
  expect(finished).toMatchObject({ pipeline: [], status: "failed" });
  expect(finished?.duration_ms).toBeLessThan(60_000);
});
