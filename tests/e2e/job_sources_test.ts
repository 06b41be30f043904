/** Sources: strategies, depth, refs, submodules, LFS, object formats, other places. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";

import { eventually, expectFailure, expectSuccess, Lab } from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({
    requestConcurrency: 4,
    entry: ["[runners.custom_build_dir]", "enabled = true"],
  })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

test.concurrent("fetch brings the job's commit, detached, without a credential on disk", async () => {
  const { app, firstOfApp } = lab.repositories;
  const [head, first] = await Promise.all([
    lab.run({
      repository: app,
      script: [
        "cat README.md src/a.txt",
        'test "$(git rev-parse HEAD)" = "$CI_COMMIT_SHA" && echo at-commit',
        "git symbolic-ref -q HEAD || echo detached",
        'grep -r "$CI_JOB_TOKEN" .git && echo leaked || echo no-token-on-disk',
        "git remote get-url origin",
        "git fetch -q origin main && echo fetches-itself",
      ],
    }),
    lab.run({ repository: { ...app, sha: firstOfApp }, script: "cat README.md" }),
  ]);
  expectSuccess(head);
  expect(head.plain).toContain("two\na\n");
  expect(head.lines).toContain("at-commit");
  expect(head.lines).toContain("detached");
  expect(head.lines).toContain("no-token-on-disk");
  expect(head.lines).toContain(`${lab.coordinator.url}/group/app.git`);
  expect(head.lines).toContain("fetches-itself");
  expect(head.plain).toContain(
    `Checking out ${app.sha.slice(0, 8)} as detached HEAD (ref is main)...`,
  );
  expectSuccess(first);
  expect(first.lines).toContain("one");
});

test("fetch into the checkout of an earlier job undoes what that did", async () => {
  const { app } = lab.repositories;
  const dirty = await lab.run({
    repository: app,
    script: [
      "echo dirty > README.md; touch untracked; mkdir ignored; touch ignored/f; rm src/a.txt",
      "git init -q nested; touch nested/f",
      'echo "at $CI_PROJECT_DIR"',
    ],
  });
  expectSuccess(dirty);
  const clean = await lab.run({
    repository: app,
    script: [
      'echo "at $CI_PROJECT_DIR"',
      "git status --porcelain --ignored",
      "cat README.md",
      "ls -A",
    ],
  });
  expectSuccess(clean);
  const place = (plain: string) => /^at (.+)$/m.exec(plain)?.[1];
  expect(place(clean.plain)).toBe(place(dirty.plain) ?? "");
  expect(clean.plain).toContain("Reinitialized existing Git repository");
  expect(clean.plain).toContain("two\n$ ls -A\n.git\n.gitignore\nREADME.md\nsrc\n");
});

test.concurrent("what has piled up in a checkout is packed by the next job's fetch", async () => {
  const { app } = lab.repositories;
  const variables = { GIT_CLONE_PATH: "$CI_BUILDS_DIR/piled-up" };
  const packs = 'echo "packs $(ls .git/objects/pack/*.pack | wc -l)"';
  const many = await lab.run({
    repository: app,
    variables,
    script: [
      "for i in $(seq 60); do echo $i | git hash-object -w --stdin | " +
      "git pack-objects -q .git/objects/pack/pack >/dev/null; done; git prune-packed",
      packs,
    ],
  });
  expectSuccess(many);
  expect(Number(/^packs (\d+)$/m.exec(many.plain)?.[1])).toBeGreaterThan(50);
  const next = await lab.run({ repository: app, variables, script: [packs] });
  expectSuccess(next);
  expect(next.lines).toContain("packs 1");
}, 20_000);

test.concurrent("GIT_CLEAN_FLAGS and GIT_CHECKOUT are heeded", async () => {
  const { app } = lab.repositories;
  const clonePath = "$CI_BUILDS_DIR/clean-flags";
  const job = (variables: Record<string, string>, script: string[]) =>
    lab.run({
      repository: app,
      variables: { GIT_CLONE_PATH: clonePath, ...variables },
      script,
    });
  expectSuccess(await job({}, ["touch kept.cache gone"]));
  const flags = await job({ GIT_CLEAN_FLAGS: "-ffdx -e *.cache" }, ["ls"]);
  expect(flags.lines).toContain("kept.cache");
  expect(flags.lines).not.toContain("gone");
  const none = await job({ GIT_CLEAN_FLAGS: "none" }, ["ls"]);
  expect(none.lines).toContain("kept.cache");
  const untouched = await job({ GIT_CHECKOUT: "false" }, ["echo mine > README.md"]);
  expect(untouched.lines).toContain("Skipping Git checkout");
  const still = await job({ GIT_CHECKOUT: "false" }, ["cat README.md"]);
  expect(still.lines).toContain("mine");
}, 20_000);

test.concurrent("GIT_STRATEGY none, empty and clone do what they say", async () => {
  const { app } = lab.repositories;
  const job = (strategy: string, script: string[], clonePath = "") =>
    lab.run({
      repository: app,
      variables: { GIT_STRATEGY: strategy, GIT_CLONE_PATH: clonePath },
      script,
    });
  const [none, empty, clone, wrong] = await Promise.all([
    job("none", ['echo "files $(ls -A | wc -l)"'], "$CI_BUILDS_DIR/none"),
    job("empty", ['echo "files $(ls -A | wc -l)"', "basename $PWD"]),
    job("clone", ["cat README.md"]),
    job("sideways", ["cat README.md"]),
  ]);
  expectSuccess(none);
  expect(none.lines).toContain("Skipping Git repository setup");
  expect(none.lines).toContain("files 0");
  expectSuccess(empty);
  expect(empty.lines).toContain(
    "Skipping Git repository setup and creating an empty build directory",
  );
  expect(empty.lines).toContain("files 0");
  expect(empty.lines).toContain("app-empty");
  expectSuccess(clone);
  expect(clone.lines).toContain("Created fresh repository.");
  expect(clone.lines).toContain("two");
  expect(wrong.plain).toMatch(/WARNING: .*GIT_STRATEGY.*"sideways"/);
});

test.concurrent("GIT_DEPTH decides how much history comes", async () => {
  const { app } = lab.repositories;
  const job = (depth: string) =>
    lab.run({
      repository: app,
      variables: { GIT_DEPTH: depth, GIT_CLONE_PATH: `$CI_BUILDS_DIR/depth-${depth}` },
      script: 'echo "commits=$(git rev-list --count HEAD)"',
    });
  const [one, all] = await Promise.all([job("1"), job("0")]);
  expect(one.lines).toContain("commits=1");
  expect(one.lines).toContain("Fetching changes with git depth set to 1...");
  expect(all.lines).toContain("commits=2");
  expect(all.lines).toContain("Fetching changes...");
});

test.concurrent("tag and merge request refs are fetched by their refspecs", async () => {
  const { app, firstOfApp } = lab.repositories;
  const merged = await lab.repositories.commit("refs/merge-requests/5/head", { "mr.txt": "mr\n" });
  await lab.repositories.tag("v1.0", firstOfApp);
  const [mergeRequest, tag] = await Promise.all([
    lab.run({
      repository: {
        ...app,
        sha: merged,
        ref: "refs/merge-requests/5/head",
        refspecs: ["+refs/merge-requests/5/head:refs/remotes/merge-requests/5/head"],
      },
      script: "cat mr.txt",
    }),
    lab.run({
      repository: { ...app, sha: firstOfApp, ref: "v1.0", refType: "tag" },
      script: ["cat README.md", "git describe --tags"],
    }),
  ]);
  expectSuccess(mergeRequest);
  expect(mergeRequest.lines).toContain("mr");
  expectSuccess(tag);
  expect(tag.lines).toContain("v1.0");
});

test.concurrent("submodules come with the job's credentials, at every level when recursive", async () => {
  const repository = lab.repositories.withSubmodule;
  const job = (strategy: string) =>
    lab.run({
      repository,
      variables: { GIT_SUBMODULE_STRATEGY: strategy, GIT_CLONE_PATH: `$CI_BUILDS_DIR/${strategy}` },
      script: [
        "cat lib/lib.txt || echo no-lib",
        "cat lib/nested/nested.txt || echo no-nested",
        'grep -r "$CI_JOB_TOKEN" .git && echo leaked || echo no-token-on-disk',
      ],
    });
  const [recursive, normal, none] = await Promise.all([
    job("recursive"),
    job("normal"),
    job("none"),
  ]);
  expectSuccess(recursive);
  expect(recursive.lines).toContain("library");
  expect(recursive.lines).toContain("nested");
  expect(recursive.lines).toContain("no-token-on-disk");
  expect(recursive.plain).toContain("Updating/initializing submodules recursively with git depth");
  expectSuccess(normal);
  expect(normal.lines).toContain("library");
  expect(normal.lines).toContain("no-nested");
  expectSuccess(none);
  expect(none.lines).toContain("no-lib");
  expect(none.lines).toContain("Skipping Git submodules setup");
});

test.concurrent("GIT_SUBMODULE_PATHS leaves out what it excludes", async () => {
  const job = await lab.run({
    repository: lab.repositories.withSubmodule,
    variables: {
      GIT_SUBMODULE_STRATEGY: "normal",
      GIT_SUBMODULE_PATHS: ":(exclude)lib",
      GIT_CLONE_PATH: "$CI_BUILDS_DIR/paths",
    },
    script: "cat lib/lib.txt || echo no-lib",
  });
  expectSuccess(job);
  expect(job.lines).toContain("no-lib");
});

test.concurrent(
  "SHA-256 repository is fetched, also after a SHA-1 one in the same place",
  async () => {
    const { app, sha256 } = lab.repositories;
    const variables = { GIT_CLONE_PATH: "$CI_BUILDS_DIR/formats" };
    expectSuccess(await lab.run({ repository: app, variables, script: "true" }));
    const job = await lab.run({
      repository: sha256,
      variables,
      script: ["cat README.md", "git log -1"],
    });
    expectSuccess(job);
    expect(job.lines).toContain("long hash");
    expect(job.lines).toContain(`commit ${sha256.sha}`);
    expectSuccess(await lab.run({ repository: app, variables, script: "true" }));
  },
  20_000,
);

test.concurrent("LFS files are left as pointers when GIT_LFS_SKIP_SMUDGE is set", async () => {
  const job = await lab.run({
    repository: lab.repositories.withLfs,
    variables: { GIT_LFS_SKIP_SMUDGE: "1" },
    script: "head -1 big.bin",
  });
  expectSuccess(job);
  expect(job.lines).toContain("version https://git-lfs.github.com/spec/v1");
});

test.concurrent("LFS files that cannot be had fail the job and name the server", async () => {
  if (Bun.which("git-lfs") === null) throw new Error("git-lfs is not installed");
  const job = await lab.run({ repository: lab.repositories.withLfs, script: "echo never" });
  expect(job.state).toBe("failed");
  expect(job.plain).toContain(`${lab.coordinator.url}/group/lfs.git/info/lfs`);
  expect(job.lines).not.toContain("never");
});

test.concurrent("a commit that is not there fails the job; GET_SOURCES_ATTEMPTS tries again", async () => {
  const job = await lab.run({
    repository: { ...lab.repositories.app, sha: "f".repeat(40) },
    variables: {
      GET_SOURCES_ATTEMPTS: "2",
      FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY: "false",
      GIT_CLONE_PATH: "$CI_BUILDS_DIR/bad",
    },
    script: "echo never",
    afterScript: "echo never-after",
  });
  expectFailure(job, "script_failure", 128);
  expect(job.plain).toContain("Retrying...");
  expect(job.plain).toContain("Deleting tracked and untracked files...");
  expect(job.lines).not.toContain("never");
  expect(job.lines).not.toContain("never-after");
});

test.concurrent.each([
  ["objects", "rm -r .git/objects"],
  ["refs", "rm -r .git/refs"],
  ["objects of its own", "mv .git/objects ../elsewhere && ln -s ../../elsewhere .git/objects"],
])(
  "a repository without %s is made anew, whether git was ended in the middle or a job did it",
  async (
    what,
    damage,
  ) => {
    const repository = lab.repositories.app;
    const variables = { GIT_CLONE_PATH: `$CI_BUILDS_DIR/broken-${what.replaceAll(" ", "-")}/app` };
    expectSuccess(await lab.run({ repository, variables, script: damage }));
    const next = await lab.run({ repository, variables, script: "git status --short" });
    expectSuccess(next);
    expect(next.plain).toContain("Created fresh repository.");
  },
);

test.concurrent("GIT_CLONE_PATH places the checkout inside builds_dir, and nowhere else", async () => {
  const { app } = lab.repositories;
  const outside = lab.path("outside");
  const job = (path: string) =>
    lab.run({
      repository: app,
      variables: { GIT_CLONE_PATH: path },
      script: ["pwd", "cat README.md"],
    });
  const [inside, elsewhere, climbing] = await Promise.all([
    job("$CI_BUILDS_DIR/my/place"),
    job(outside),
    job("$CI_BUILDS_DIR/../outside"),
  ]);
  expectSuccess(inside);
  expect(inside.lines).toContain(lab.path("builds/my/place"));
  for (const refused of [elsewhere, climbing]) {
    expectFailure(refused, "runner_configuration_error");
    expect(refused.plain).toContain(`has to be within "${lab.path("builds")}"`);
  }
  expect(existsSync(outside)).toBe(false);
});

test("jobs that name one GIT_CLONE_PATH have it one after the other", async () => {
  const { app } = lab.repositories;
  const gate = lab.gate("clone-path");
  const variables = { GIT_CLONE_PATH: "$CI_BUILDS_DIR/shared/place" };
  const first = lab.enqueue({
    repository: app,
    variables,
    script: ["touch of-first", "echo first-has-it", gate.wait, "ls of-first README.md"],
  });
  await lab.printed(first, "first-has-it");
  const second = lab.enqueue({
    repository: app,
    variables: { ...variables, GIT_CLEAN_FLAGS: "none" },
    script: ["ls of-first", "pwd"],
  });
  const place = lab.path("builds/shared/place");
  await lab.printed(second, `Waiting for another job to leave "${place}"...`);
  gate.open();
  expectSuccess(await lab.finished(first));
  const next = await lab.finished(second);
  expectSuccess(next);
  expect(next.lines).toContain(place);
  expect(next.lines).toContain("of-first");
  const leases = () => readdirSync(lab.path("builds")).filter((name) => name.startsWith(".lease"));
  await eventually(() => leases().length === 0, "the locks to go with the jobs");
});

test("safe_directory_checkout names each checkout once in the account's git configuration", async () => {
  await using trusting = await Lab.open({ entry: ["safe_directory_checkout = true"] });
  trusting.start();
  const repository = { path: trusting.repositories.app.path, sha: trusting.repositories.app.sha };
  const script = "git config --global --get-all safe.directory";
  expectSuccess(await trusting.run({ repository, script }));
  const again = await trusting.run({ repository, script: [script, "echo $CI_PROJECT_DIR"] });
  expectSuccess(again);
  const directory = again.lines.filter((line) => line.startsWith(trusting.path("builds")));
  expect(directory).toHaveLength(2);
  expect(directory[0]).toBe(directory[1]);
});
