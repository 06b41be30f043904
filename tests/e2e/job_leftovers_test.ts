/** A job in the directory of an earlier one that meant harm, or that died half-way. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

import { expectSuccess, type FinishedJob, Lab } from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({
    requestConcurrency: 8,
    entry: ["[runners.custom_build_dir]", "enabled = true"],
  })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

/** Runs `before` as the earlier job of a place of its own, then a plain job there. */
async function after(place: string, before: readonly string[]): Promise<FinishedJob> {
  const { app } = lab.repositories;
  const variables = { GIT_CLONE_PATH: `$CI_BUILDS_DIR/${place}` };
  const repository = { path: app.path, sha: app.sha };
  expectSuccess(await lab.run({ repository, variables, script: [...before] }));
  return await lab.run({
    repository,
    variables,
    script: ["cat README.md", "git status --porcelain --ignored", "git remote get-url origin"],
  });
}

function expectClean(job: FinishedJob): void {
  expectSuccess(job);
  expect(job.plain).toContain("$ cat README.md\ntwo\n$ git status --porcelain --ignored\n$ git");
  expect(job.lines).toContain(`${lab.coordinator.url}/group/app.git`);
}

/** A shell command that leaves a trace when somebody runs it. */
function trap(name: string): { command: string; sprung(): boolean } {
  const path = lab.path(`trap-${name}`);
  return { command: `touch ${path}`, sprung: () => existsSync(path) };
}

test.concurrent("planted hooks are not run", async () => {
  const hook = trap("hooks");
  expectClean(
    await after("hooks", [
      `mkdir -p .git/hooks; for h in post-checkout pre-commit reference-transaction post-index-change; ` +
      `do printf '#!/bin/sh\\n${hook.command}\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done`,
    ]),
  );
  expect(hook.sprung()).toBe(false);
});

test.concurrent("core.hooksPath set by an earlier job leads to no hook", async () => {
  const hook = trap("hooks-path");
  expectClean(
    await after("hooks-path", [
      "mkdir -p .git/evil; git config core.hooksPath $PWD/.git/evil",
      `for h in post-checkout reference-transaction; do ` +
      `printf '#!/bin/sh\\n${hook.command}\\n' > .git/evil/$h; chmod +x .git/evil/$h; done`,
    ]),
  );
  expect(hook.sprung()).toBe(false);
});

test.concurrent("core.fsmonitor set by an earlier job starts nothing", async () => {
  const monitor = trap("fsmonitor");
  expectClean(
    await after("fsmonitor", [
      `printf '#!/bin/sh\\n${monitor.command}\\n' > .git/monitor; chmod +x .git/monitor`,
      "git config core.fsmonitor $PWD/.git/monitor",
      // Setting it runs it as well when the index is refreshed; only the next job's run counts.
      `rm -f ${lab.path("trap-fsmonitor")}`,
    ]),
  );
  expect(monitor.sprung()).toBe(false);
});

test.concurrent("a filter and an alias set by an earlier job start nothing", async () => {
  const filter = trap("filter");
  expectClean(
    await after("filter", [
      `git config filter.evil.smudge 'sh -c "${filter.command}; cat"'`,
      `git config filter.evil.required true`,
      "mkdir -p .git/info; echo '* filter=evil' > .git/info/attributes",
      `git config core.sshCommand '${filter.command}'`,
      `git config credential.helper '!${filter.command}'`,
    ]),
  );
  expect(filter.sprung()).toBe(false);
});

test.concurrent("url.insteadOf and a remote set by an earlier job do not lead elsewhere", async () => {
  expectClean(
    await after("instead-of", [
      'git config url."http://127.0.0.1:9/".insteadOf "$CI_SERVER_URL/"',
      "git remote set-url origin http://127.0.0.1:9/evil.git",
      "git config http.proxy http://127.0.0.1:9",
      'git config include.path "$PWD/.git/more"; printf "[core]\\n\\tbare = true\\n" > .git/more',
    ]),
  );
});

test.concurrent("config.worktree and sparse checkout of an earlier job are undone", async () => {
  const job = await after("sparse", [
    "git config extensions.worktreeConfig true",
    "git config --worktree core.fsmonitor /nowhere",
    "git sparse-checkout set --no-cone nothing 2>/dev/null || true",
  ]);
  expectClean(job);
});

test.concurrent("a commondir planted in .git does not bring another configuration", async () => {
  const filter = trap("commondir");
  expectClean(
    await after("commondir", [
      "cp -r .git evil; mv evil .git/evil",
      `git config -f .git/evil/config filter.evil.smudge 'sh -c "${filter.command}; cat"'`,
      "mkdir -p .git/evil/info; echo '* filter=evil' > .git/evil/info/attributes",
      "echo evil > .git/commondir; rm -f README.md",
    ]),
  );
  expect(filter.sprung()).toBe(false);
});

test.concurrent("attributes planted in .git do not change what is checked out", async () => {
  const job = await after("attributes", [
    "mkdir -p .git/info; echo '* text eol=crlf' > .git/info/attributes; rm README.md",
  ]);
  expectClean(job);
  expect(await Bun.file(lab.path("builds/attributes/README.md")).text()).toBe("two\n");
});

test.concurrent("stale locks of a job that died do not stop the next", async () => {
  expectClean(
    await after("locks", [
      "touch .git/index.lock .git/shallow.lock .git/HEAD.lock .git/config.lock",
      "mkdir -p .git/refs/remotes/origin; touch .git/refs/remotes/origin/main.lock",
    ]),
  );
});

test.concurrent("a broken repository is made anew", async () => {
  expectClean(await after("no-head", ["rm -rf .git/HEAD .git/objects"]));
});

test.concurrent("a nested repository and read-only directories are cleaned away", async () => {
  expectClean(
    await after("nested", [
      "git init -q nested; touch nested/f; mkdir -p deep/er; touch deep/er/f; chmod 500 deep/er",
    ]),
  );
});

test.concurrent("a link planted for .git is not followed", async () => {
  const elsewhere = lab.path("elsewhere.git");
  expectClean(
    await after("git-link", [
      `git init -q --bare ${elsewhere}; git -C ${elsewhere} config core.fsmonitor precious`,
      `mv .git .git-before; ln -s ${elsewhere} .git`,
    ]),
  );
  expect(readFileSync(`${elsewhere}/config`, "utf8")).toContain("fsmonitor = precious");
});

test.concurrent("a link planted for the project directory is not followed", async () => {
  const precious = lab.path("precious");
  mkdirSync(precious);
  writeFileSync(`${precious}/data`, "precious");
  expectClean(
    await after("project-link", [
      `cd /; rm -rf "$CI_PROJECT_DIR"; ln -s ${precious} "$CI_PROJECT_DIR"`,
    ]),
  );
  expect(readFileSync(`${precious}/data`, "utf8")).toBe("precious");
  expect(existsSync(`${precious}/.git`)).toBe(false);
});

test.concurrent("a link planted for the temporary directory takes no file variable", async () => {
  const { app } = lab.repositories;
  const stolen = lab.path("stolen");
  mkdirSync(stolen);
  const variables = { GIT_CLONE_PATH: "$CI_BUILDS_DIR/temp-link" };
  const repository = { path: app.path, sha: app.sha };
  const plant = `rm -rf "$RUNNER_TEMP_PROJECT_DIR"; ln -s ${stolen} "$RUNNER_TEMP_PROJECT_DIR"`;
  // The link is planted by a process that ends only after the job's own clean-up has begun.
  expectSuccess(await lab.run({ repository, variables, script: plant, afterScript: plant }));
  const job = await lab.run({
    repository,
    variables: { ...variables, SECRET: { value: "file content", file: true } },
    script: ['cat "$SECRET"; echo', `ls -A ${stolen} | wc -l`],
  });
  expectSuccess(job);
  expect(job.lines).toContain("file content");
  expect(job.lines).toContain("0");
});

test.concurrent("a temporary directory that a crash left behind is made anew", async () => {
  const path = async () => {
    const job = await lab.run({
      variables: { GIT_CLONE_PATH: "$CI_BUILDS_DIR/crashed", SECRET: { value: "s", file: true } },
      script: ['echo "temp=$RUNNER_TEMP_PROJECT_DIR"', 'echo "left [$LEFT]"', 'cat "$SECRET"'],
    });
    expectSuccess(job);
    expect(job.lines).toContain("left []");
    return /^temp=(.+)$/m.exec(job.plain)?.[1] ?? "";
  };
  const temp = await path();
  mkdirSync(temp);
  writeFileSync(`${temp}/gitlab_runner_env`, "LEFT=over\n");
  await path();
  const stolen = lab.path("stolen-by-crash");
  mkdirSync(stolen);
  symlinkSync(stolen, temp);
  await path();
  expect(readdirSync(stolen)).toEqual([]);
});

/** Two jobs of a project with submodules, one after the other in the same place. */
async function afterInSubmodule(place: string, before: readonly string[]): Promise<FinishedJob> {
  const { path, sha } = lab.repositories.withSubmodule;
  const repository = { path, sha };
  const variables = {
    GIT_CLONE_PATH: `$CI_BUILDS_DIR/${place}`,
    GIT_SUBMODULE_STRATEGY: "recursive",
  };
  expectSuccess(await lab.run({ repository, variables, script: [...before] }));
  return await lab.run({
    repository,
    variables,
    script: [
      "cat lib/lib.txt lib/nested/nested.txt",
      "cat lib/.git; git -C lib remote get-url origin",
    ],
  });
}

function expectCleanSubmodule(job: FinishedJob): void {
  expectSuccess(job);
  expect(job.plain).toContain("library\nnested\n");
  expect(job.lines).toContain("gitdir: ../.git/modules/lib");
  expect(job.lines).toContain(`${lab.coordinator.url}/group/lib.git`);
}

test.concurrent("a submodule whose .git leads to a repository of an earlier job runs nothing of it", async () => {
  const filter = trap("submodule-filter");
  const evil = lab.path("evil-module");
  expectCleanSubmodule(
    await afterInSubmodule("submodule-gitfile", [
      `cp -r .git/modules/lib ${evil}; git config --file ${evil}/config core.worktree $PWD/lib`,
      `git --git-dir=${evil} config filter.x.smudge '${filter.command}; cat'`,
      `mkdir -p ${evil}/info; echo '* filter=x' > ${evil}/info/attributes`,
      `printf 'gitdir: ${evil}\\n' > lib/.git; echo dirty > lib/lib.txt`,
    ]),
  );
  expect(filter.sprung()).toBe(false);
});

test.concurrent("a submodule with a repository of its own, or a pipe for one, is made anew", async () => {
  const hook = trap("submodule-directory");
  expectCleanSubmodule(
    await afterInSubmodule("submodule-directory", [
      `rm lib/.git; cp -r .git/modules/lib lib/.git; sed -i /worktree/d lib/.git/config`,
      `git -C lib config core.fsmonitor '${hook.command}; false'; echo dirty > lib/lib.txt`,
      "rm lib/nested/.git; mkfifo lib/nested/.git",
    ]),
  );
  expect(hook.sprung()).toBe(false);
});

test.concurrent("submodules that an earlier job gave up come back", async () => {
  expectCleanSubmodule(
    await afterInSubmodule("submodule-deinit", [
      "git submodule deinit --force --all; rm -rf .git/modules/lib/modules",
    ]),
  );
  expectCleanSubmodule(
    await afterInSubmodule("submodule-broken", ["rm -rf .git/modules/lib/HEAD"]),
  );
});

test("a pipe in the place of a checkout's lock holds nobody up", async () => {
  const lock =
    "$CI_BUILDS_DIR/$CI_RUNNER_SHORT_TOKEN/$CI_CONCURRENT_PROJECT_ID/.lease-$CI_PROJECT_ID";
  const planter = await lab.run({ script: [`rm "${lock}"; mkfifo "${lock}"`] });
  expectSuccess(planter);
  const next = await lab.run({ script: [`test -f "${lock}" && echo a-file-again`] });
  expectSuccess(next);
  expect(next.lines).toContain("a-file-again");
});
