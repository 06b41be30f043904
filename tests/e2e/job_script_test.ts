/** What a job's own commands meet: shell behaviour, variables, streams, hooks, config scripts. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";

import { expectFailure, expectSuccess, Lab, output } from "./lab.ts";
import { EXECUTABLE } from "./runner_process.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({
    entry: [
      'environment = ["FROM_CONFIG=config", "OVERRIDDEN=config", "EXPANDED=$FROM_CONFIG-x"]',
      'pre_build_script = "echo pre-build $FROM_CONFIG"',
      'post_build_script = "echo post-build"',
      'pre_get_sources_script = "echo config-pre-get"',
      'post_get_sources_script = "echo config-post-get"',
    ],
    requestConcurrency: 4,
    env: { MANAGER_VARIABLE: "seen", CI_SERVER_TOKEN: "runner-secret", BUN_OPTIONS: "" },
  })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

test.concurrent("a failed command ends the script with its exit code", async () => {
  const job = await lab.run({ script: ["echo before", "(exit 42)", "echo never"] });
  expectFailure(job, "script_failure", 42);
  expect(job.lines).toContain("before");
  expect(job.lines).not.toContain("never");
  expect(job.plain).toContain("ERROR: Job failed: exit status 42");
});

test.concurrent("a command that fails in a pipe ends the script", async () => {
  const job = await lab.run({ script: ["false | true", "echo never"] });
  expectFailure(job, "script_failure", 1);
  expect(job.lines).not.toContain("never");
});

test.concurrent("commands are one script: variables, functions and directories stay", async () => {
  const job = await lab.run({
    script: ["X=kept; f() { echo f-$X; }", "mkdir -p d && cd d", "f", 'basename "$PWD"'],
  });
  expectSuccess(job);
  expect(job.lines).toContain("f-kept");
  expect(job.lines).toContain("d");
});

test.concurrent("quoting and UTF-8 of commands and values come through", async () => {
  const value = `it's "quoted" \\ $HOME \`id\` ünïcödé ☃`;
  const job = await lab.run({
    variables: { VALUE: { value, raw: true }, LINES: "line 1\nline 2" },
    script: ['printf "[%s]\\n" "$VALUE"', 'printf "<%s>\\n" "$LINES"', "cat <<'X'\nhere $doc\nX"],
  });
  expectSuccess(job);
  expect(job.lines).toContain(`[${value}]`);
  expect(job.plain).toContain("<line 1\nline 2>");
  expect(job.lines).toContain("here $doc");
});

test.concurrent("after_script sees how the job went, not what it exported, and cannot change it", async () => {
  const after = 'echo "after [$X] $CI_JOB_STATUS"';
  const [failed, succeeded] = await Promise.all([
    lab.run({ script: ["export X=1", "exit 3"], afterScript: [after, "exit 9"] }),
    lab.run({ script: "true", afterScript: [after, "false"] }),
  ]);
  expectFailure(failed, "script_failure", 3);
  expect(failed.lines).toContain("after [] failed");
  expect(failed.plain).toContain(
    "WARNING: after_script failed, but job will continue unaffected: exit status 9",
  );
  expectSuccess(succeeded);
  expect(succeeded.lines).toContain("after [] success");
});

test.concurrent("AFTER_SCRIPT_IGNORE_ERRORS=false lets after_script fail the job", async () => {
  const variables = { AFTER_SCRIPT_IGNORE_ERRORS: "false" };
  const job = await lab.run({ script: "true", afterScript: "exit 6", variables });
  expectFailure(job, "script_failure", 6);
});

test.concurrent("variables come in layers: config.toml below the job, the runner's own on top", async () => {
  const job = await lab.run({
    variables: {
      OVERRIDDEN: "job",
      A: "a",
      B: "${A}b",
      RAW: { value: "$A", raw: true },
      ESCAPED: "$$A",
      CI_SHARED_ENVIRONMENT: "no",
    },
    script: [
      'echo "layers $FROM_CONFIG $OVERRIDDEN $EXPANDED $MANAGER_VARIABLE"',
      'echo "B=$B RAW=$RAW ESCAPED=$ESCAPED"',
      'echo "own $CI_SHARED_ENVIRONMENT $CI_SERVER $GITLAB_CI $CI_RUNNER_VERSION"',
      'echo "token [$CI_SERVER_TOKEN]"',
      'test "$PWD" = "$CI_PROJECT_DIR" && echo in-project-dir',
    ],
  });
  expectSuccess(job);
  expect(job.lines).toContain("layers config job config-x seen");
  expect(job.lines).toContain("B=ab RAW=$A ESCAPED=$A");
  expect(job.plain).toMatch(/^own true yes true \d+\.\d+\.\d+$/m);
  expect(job.lines).toContain("token []");
  expect(job.lines).toContain("in-project-dir");
});

test.concurrent("GITLAB_ENV carries variables from the script to after_script", async () => {
  const job = await lab.run({
    script: 'echo "CARRIED=over" >> "$GITLAB_ENV"',
    afterScript: 'echo "[$CARRIED]"',
  });
  expectSuccess(job);
  expect(job.lines).toContain("[over]");
});

test.concurrent("file variables hold their text, private, and are gone when the job is over", async () => {
  const job = await lab.run({
    variables: { SECRET_FILE: { value: "first\nsecond\n", file: true }, PATH_OF: "$SECRET_FILE" },
    script: [
      'cat "$SECRET_FILE"',
      'echo "mode $(stat -c %a "$SECRET_FILE")"',
      'test "$PATH_OF" = "$SECRET_FILE" && echo same-path',
      'echo "path=$SECRET_FILE"',
    ],
  });
  expectSuccess(job);
  expect(job.plain).toContain("first\nsecond\n");
  expect(job.lines).toContain("mode 600");
  expect(job.lines).toContain("same-path");
  const path = /^path=(.+)$/m.exec(job.plain)?.[1] ?? "";
  expect(path).toStartWith(lab.path("builds"));
  expect(existsSync(path)).toBe(false);
});

test.concurrent("hooks and config.toml's scripts run around the sources and the script", async () => {
  const job = await lab.run({
    hooks: [
      { name: "pre_get_sources_script", script: ["echo hook-pre-get"] },
      { name: "post_get_sources_script", script: ["echo hook-post-get"] },
    ],
    repository: lab.repositories.app,
    script: "echo the-script",
  });
  expectSuccess(job);
  const told = job.lines.filter((line) =>
    /^(config-|hook-|pre-build|post-build|the-script|Checking out)/.test(line)
  ).map((line) => line.replace(/Checking out .*/, "checkout"));
  expect(told).toEqual([
    "config-pre-get",
    "hook-pre-get",
    "checkout",
    "hook-post-get",
    "config-post-get",
    "pre-build config",
    "the-script",
    "post-build",
  ]);
});

test.concurrent("standard output can be opened by its name, and both streams keep their order", async () => {
  const job = await lab.run({
    script: [
      "echo one > /dev/stdout; echo two > /dev/stderr; echo three; echo four >&2",
      "echo five > /proc/self/fd/1",
    ],
  });
  expectSuccess(job);
  expect(job.plain).toContain("one\ntwo\nthree\nfour\n");
  expect(job.lines).toContain("five");
});

test.concurrent("standard input is empty", async () => {
  const job = await lab.run({ script: ['read -r line || echo "nothing [$line]"', "cat | wc -c"] });
  expectSuccess(job);
  expect(job.lines).toContain("nothing []");
  expect(job.lines).toContain("0");
});

test.concurrent("CI_DEBUG_TRACE shows what the shell does", async () => {
  const job = await lab.run({
    variables: { CI_DEBUG_TRACE: "true", SECRET: { value: "debug-secret-value", masked: true } },
    script: 'X="a b"; echo "$X"',
  });
  expectSuccess(job);
  expect(job.plain).toMatch(/^\+.*echo 'a b'$/m);
  expect(job.text).not.toContain("debug-secret-value");
  expect(job.text).not.toContain(job.job.token);
});

test.concurrent("GitLab is told of a log that CI_DEBUG_TRACE may have put secrets into", async () => {
  const debugged = async (value: string) => {
    const { job, plain } = await lab.run({
      variables: { CI_DEBUG_TRACE: value, WANTED: "1" },
      script: "echo done",
    });
    const patches = lab.coordinator.requests(({ method, jobId }) =>
      method === "PATCH" && jobId === job.id
    );
    const told = patches.map(({ target }) => target.endsWith("?debug_trace=true"));
    return [...new Set([...told, /^\++ echo done$/m.test(plain)])];
  };
  const found = await Promise.all(["true", "$WANTED", "yEs"].map(debugged));
  expect(found).toEqual([[true], [true], [false]]);
});

test.concurrent("a script that is ended by a signal, or sends SIGTERM to its shell, fails", async () => {
  const [killed, asked] = await Promise.all([
    lab.run({ script: "kill -9 $$" }),
    lab.run({ script: ["kill $$", "echo goes on"] }),
  ]);
  expectFailure(killed, "script_failure", 137);
  expect(killed.plain).toContain("ERROR: Job failed: signal: killed");
  expectFailure(asked, "script_failure", 1);
  expect(asked.lines).toContain("goes on");
});

test.concurrent("FF_GIT_URLS_WITHOUT_TOKENS lets git in from any directory, without a token on disk", async () => {
  const url = `${lab.coordinator.url}/${lab.repositories.app.path}.git`;
  writeFileSync(lab.path("home", ".gitconfig"), "[user]\n\tname = Of The Account\n");
  const job = await lab.run({
    variables: { FF_GIT_URLS_WITHOUT_TOKENS: "true" },
    script: [
      `git clone -q ${url} elsewhere && cat elsewhere/README.md`,
      'grep -c "$CI_JOB_TOKEN" "$GIT_CONFIG_GLOBAL" elsewhere/.git/config || echo no-token',
      "git config user.name",
    ],
  });
  expectSuccess(job);
  expect(job.lines).toContain("Of The Account");
  expect(job.lines).toContain("two");
  expect(job.lines).toContain("no-token");
});

test.concurrent("a variable too long for any program is the shell's own, and the log says so", async () => {
  const job = await lab.run({
    repository: lab.repositories.app,
    variables: { LONG: "x".repeat(1_000_000), NEXT: "n" },
    script: ["echo ${#LONG}", "env | grep -c ^NEXT="],
  });
  expectSuccess(job);
  expect(job.lines).toContain("1000000");
  expect(job.plain).toContain("WARNING: LONG is too long for the environment of programs");
});

test.concurrent("variables that are too much together leave the largest to the shell alone", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`BIG_${index}`, "x".repeat(60_000 + index)]),
  );
  const job = await lab.run({
    repository: lab.repositories.app,
    variables: { ...many, SMALL: "s" },
    script: [
      "echo lengths ${#BIG_0} ${#BIG_59}",
      "env | grep -c ^BIG_ | sed 's/^/exported /'",
      "env | grep ^SMALL=",
    ],
    afterScript: ["env | grep -c ^BIG_ | sed 's/^/still /'"],
  });
  expectSuccess(job);
  expect(job.lines).toContain("lengths 60000 60059");
  expect(job.lines).toContain("exported 26");
  expect(job.lines).toContain("still 26");
  expect(job.lines).toContain("SMALL=s");
  expect(job.plain.match(/BIG_\d+ is too long for the environment/g)).toHaveLength(34);
});

test.concurrent("script of 400 KiB in one command runs", async () => {
  const big = `cat <<'END' | wc -c\n${"0123456789abcde\n".repeat(25_600)}END`;
  const job = await lab.run({ script: [big] });
  expectSuccess(job);
  expect(job.lines).toContain("409600");
});

test.concurrent("inputs of the job come into its script, and a bad expression fails it", async () => {
  const inputs = [
    { key: "who", value: { type: "string", content: "world" } },
    { key: "count", value: { type: "number", content: 3 } },
    { key: "secret", value: { type: "string", content: "x", sensitive: true } },
  ];
  const job = await lab.run({
    script: ['echo "hello ${{ job.inputs.who }} ${{ str(job.inputs.count + 1) }}"'],
    payload: { inputs },
  });
  expectSuccess(job);
  expect(job.lines).toContain("hello world 4");
  const [missing, sensitive, off] = await Promise.all([
    lab.run({ script: "echo ${{ job.inputs.nobody }}", payload: { inputs } }),
    lab.run({ script: "echo ${{ job.inputs.secret }}", payload: { inputs } }),
    lab.run({
      script: "echo '${{ job.inputs.who }}'",
      variables: { FF_ENABLE_JOB_INPUTS_INTERPOLATION: "false" },
      payload: { inputs },
    }),
  ]);
  for (const refused of [missing, sensitive]) {
    expectFailure(refused, "runner_configuration_error");
    expect(refused.plain).toContain("ERROR: Job failed: failed to interpolate job inputs: ");
  }
  expect(off.lines).toContain("${{ job.inputs.who }}");
});

test("a profile that exits is named as the cause, wherever it is met first", async () => {
  await using broken = await Lab.open();
  writeFileSync(broken.path("home", ".bash_profile"), "exit 3\n");
  broken.start();
  const [plain, withSources] = [
    await broken.run({ script: "echo never", afterScript: "echo never" }),
    await broken.run({ script: "echo never", repository: broken.repositories.app }),
  ];
  for (const job of [plain, withSources]) {
    expectFailure(job, "script_failure");
    expect(job.lines).not.toContain("never");
    expect(job.plain).toContain(
      "ERROR: Job failed: prepare environment: exit status 3. Check " +
        "https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information",
    );
  }
});

test("called gitlab-runner, the executable is gitlab-runner, and jobs run", async () => {
  const bin = lab.path("bin");
  mkdirSync(bin);
  symlinkSync(EXECUTABLE, `${bin}/gitlab-runner`);
  const version = await output([`${bin}/gitlab-runner`, "--version"]);
  expect(version).toStartWith("Version:      ");
  const help = await output([`${bin}/gitlab-runner`, "verify", "--help"]);
  expect(help).toContain("gitlab-runner verify");
  const job = lab.enqueue({ script: "echo by-link", tags: [] });
  expectSuccess(await lab.finished(job));
});

test("runner shows the coordinator nothing that a correct runner does not do", () => {
  lab.expectNoFindings();
});
