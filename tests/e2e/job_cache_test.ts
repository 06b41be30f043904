/** Caches in a local directory: keys, fallbacks, policies, what goes in. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { expectFailure, expectSuccess, type FinishedJob, Lab } from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({ requestConcurrency: 4 })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

interface Cache {
  readonly key: string;
  readonly policy?: string;
  readonly when?: string;
  readonly paths?: readonly string[];
  readonly fallback_keys?: readonly string[];
  readonly untracked?: boolean;
}

/** A job in an empty directory with one cache of `vendor/`. */
async function run(
  cache: Cache,
  script: string[],
  variables: Record<string, string> = {},
): Promise<FinishedJob> {
  const whole = { policy: "pull-push", when: "on_success", paths: ["vendor/"], ...cache };
  return await lab.run({
    variables: { GIT_STRATEGY: "empty", ...variables },
    cache: [whole],
    script,
  });
}

const fill = (
  text: string,
) => [`mkdir -p vendor; echo ${text} > vendor/lib; ln -s lib vendor/link`];
const SHOW = ["cat vendor/lib || echo nothing"];

test.concurrent("cache is saved and restored, links and modes included", async () => {
  const saved = await run({ key: "basic-$CI_COMMIT_REF_NAME" }, [
    ...fill("content"),
    "chmod 750 vendor/lib",
  ]);
  expectSuccess(saved);
  expect(saved.lines).toContain("Created cache");
  const restored = await run({ key: "basic-main", policy: "pull" }, [
    ...SHOW,
    "readlink vendor/link",
    "stat -c %a vendor/lib",
  ]);
  expectSuccess(restored);
  expect(restored.lines).toContain("Successfully extracted cache");
  expect(restored.lines).toContain("content");
  expect(restored.lines).toContain("lib");
  expect(restored.lines).toContain("750");
});

test.concurrent("fallback keys are tried in order, CACHE_FALLBACK_KEY last", async () => {
  expectSuccess(await run({ key: "second" }, fill("second")));
  const cache = { key: "new", policy: "pull", fallback_keys: ["first", "second"] };
  const byKey = await run(cache, SHOW);
  expect(byKey.lines).toContain("second");
  const told = byKey.lines.filter((line) => line.startsWith("Checking cache for"));
  expect(told).toEqual(["new", "first", "second"].map((key) => `Checking cache for ${key}...`));
  const byVariable = await run({ key: "newer", policy: "pull" }, SHOW, {
    CACHE_FALLBACK_KEY: "second",
  });
  expect(byVariable.lines).toContain("second");
  const protectedKey = await run({ key: "newest", policy: "pull" }, SHOW, {
    CACHE_FALLBACK_KEY: "second-protected",
  });
  expect(protectedKey.plain).toContain(
    'CACHE_FALLBACK_KEY "second-protected" not allowed to end in "-protected"',
  );
  expect(protectedKey.lines).toContain("nothing");
}, 20_000);

test.concurrent("policy pull saves nothing, policy push restores nothing", async () => {
  expectSuccess(await run({ key: "policy" }, fill("one")));
  const pull = await run({ key: "policy", policy: "pull" }, [...SHOW, "echo changed > vendor/lib"]);
  expect(pull.lines).toContain("one");
  expect(pull.lines).toContain("Not uploading cache policy due to policy");
  const push = await run({ key: "policy", policy: "$POLICY" }, [...SHOW, ...fill("two")], {
    POLICY: "push",
  });
  expect(push.lines).toContain("nothing");
  expect(push.lines).toContain("Not downloading cache policy due to policy");
  const after = await run({ key: "policy", policy: "pull" }, SHOW);
  expect(after.lines).toContain("two");
}, 20_000);

test.concurrent("when decides after which end a cache is saved", async () => {
  const failing = [...fill("failed"), "exit 1"];
  expectFailure(await run({ key: "when-success" }, failing), "script_failure", 1);
  expectFailure(
    await run({ key: "when-failure", when: "on_failure" }, failing),
    "script_failure",
    1,
  );
  const success = await run({ key: "when-success", policy: "pull" }, SHOW);
  expect(success.lines).toContain("nothing");
  const failure = await run({ key: "when-failure", policy: "pull" }, SHOW);
  expect(failure.lines).toContain("failed");
}, 20_000);

test.concurrent("a key that climbs out of the cache directory is made harmless", async () => {
  const job = await run({ key: "../../../../escape" }, fill("x"));
  expectSuccess(job);
  expect(job.plain).toContain('cache key "../../../../escape" sanitized to "escape"');
  expect(existsSync(lab.path("escape"))).toBe(false);
});

test.concurrent("several caches of one job are kept apart", async () => {
  const caches = (policy: string) => [
    { key: "many-a", paths: ["a"], policy },
    { key: "many-b", paths: ["b"], policy },
  ];
  const variables = { GIT_STRATEGY: "empty" };
  const script = ["echo A > a; echo B > b"];
  expectSuccess(await lab.run({ variables, cache: caches("push"), script }));
  const [first] = caches("pull");
  const job = await lab.run({
    variables,
    cache: first === undefined ? [] : [first],
    script: ["cat a", "test ! -e b && echo no-b"],
  });
  expectSuccess(job);
  expect(job.lines).toContain("A");
  expect(job.lines).toContain("no-b");
});

test.concurrent("paths without files are told of and fail nothing", async () => {
  const job = await run({ key: "none", paths: ["missing/"] }, ["true"]);
  expectSuccess(job);
  expect(job.plain).toContain("WARNING: missing/: no matching files");
});

test.concurrent("a damaged archive is a warning, and the job goes on", async () => {
  expectSuccess(await run({ key: "damaged" }, fill("x")));
  const archives = new Bun.Glob("cache/**/damaged/cache.zip").scanSync(lab.process.dir);
  for (const path of archives) await Bun.write(lab.path(path), "this is no archive");
  const job = await run({ key: "damaged", policy: "pull" }, SHOW);
  expectSuccess(job);
  expect(job.lines).toContain("Failed to extract cache");
  expect(job.lines).toContain("nothing");
});
