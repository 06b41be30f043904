/** `run` with entries of `[[runners]]` that lack something, or that have a runner in common. */

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, expectSuccess, Lab } from "./lab.ts";

test.concurrent("an entry that lacks its token or address is told by line, and the others work", async () => {
  await using lab = await Lab.open();
  const works = readFileSync(lab.process.configPath, "utf8");
  writeFileSync(
    lab.process.configPath,
    `${works}[[runners]]\nname = "bare"\nurl = "${lab.coordinator.url}"\ntoken = "$NOT_SET"\n` +
      'executor = "shell"\n[[runners]]\nname = "lost"\ntoken = "t"\nexecutor = "shell"\n',
  );
  const before = lab.coordinator.findings().length;
  expectSuccess(await lab.start().run({ script: "true" }));
  expect(lab.process.log).toMatch(
    /WARNING: config\.toml:\d+ runners\[1\]\.token: "\$NOT_SET" expands to nothing/,
  );
  expect(lab.process.log).toMatch(/WARNING: config\.toml:\d+ runners\[2\]\.url: missing/);
  expect(lab.process.log).toMatch(/ERROR: Cannot use this runner .*runner_name=bare/);
  expect(lab.process.log).toMatch(/ERROR: Cannot use this runner .*runner_name=lost/);
  expect(lab.coordinator.findings().length).toBe(before);
});

test.concurrent("settings that cannot be used leave a runner its old ones, and say so", async () => {
  await using lab = await Lab.open();
  expectSuccess(await lab.start().run({ script: "true" }));
  const { configPath } = lab.process;
  const before = readFileSync(configPath, "utf8");
  writeFileSync(
    configPath,
    before.replace('executor = "shell"', 'executor = "shell"\nshell = "fish"'),
  );
  await eventually(
    () => /ERROR: Cannot use this runner's new settings; .*"fish"/.test(lab.process.log),
    "the error",
  );
  expectSuccess(await lab.run({ script: "true" }));
});

test.concurrent(
  "entries of one runner all take its jobs, within one limit, and a reload changes neither",
  async () => {
    await using lab = await Lab.open({ entry: ["limit = 2"] });
    const { configPath } = lab.process;
    const entry = (home: string) =>
      `[[runners]]\nname = "same"\nurl = "${lab.coordinator.url}"\ntoken = "${lab.runner.token}"\n` +
      `executor = "shell"\nlimit = 2\nbuilds_dir = "${lab.path(home)}"\n`;
    writeFileSync(configPath, `concurrent = 8\ncheck_interval = 1\n${entry("a")}${entry("b")}`);
    const gate = lab.gate("entries");
    const jobs = Array.from(
      { length: 4 },
      () => lab.enqueue({ script: ["echo in $CI_BUILDS_DIR", gate.wait], repository: undefined }),
    );
    lab.start();
    const running = () => jobs.filter((job) => job.isRunning).length;
    await eventually(() => running() === 2, "two jobs");
    expect(lab.process.log).toContain(
      "WARNING: runners[same]: it has the URL and token of runners[same]; both ask for the jobs of " +
        "this one runner, and their limits count all of them",
    );
    writeFileSync(configPath, readFileSync(configPath, "utf8").replaceAll('"same"', '"other"'));
    await eventually(() => lab.process.log.includes("runners[other]"), "the reload");
    await Bun.sleep(1500);
    expect(running()).toBe(2);
    gate.open();
    const finished = await Promise.all(jobs.map((job) => lab.finished(job)));
    for (const job of finished) expectSuccess(job);
    const homes = finished.map(({ plain }) => /in \S+\/([ab])\n/.exec(plain)?.[1]);
    expect(new Set(homes)).toEqual(new Set(["a", "b"]));
  },
  20_000,
);

test.concurrent("a job that a long poll has brought has the place that is free", async () => {
  await using lab = await Lab.open({ globals: ["concurrent = 1"] });
  lab.start();
  for (let run = 0; run < 2; run++) {
    const job = await lab.run({ script: "true" });
    expectSuccess(job);
    expect(job.plain).not.toContain("Waiting for one of");
    // For so long a request holds a place; then it is a long poll.
    await sleep(1500);
  }
});

test.concurrent(
  "entries of one runner have no more requests open than request_concurrency",
  async () => {
    await using lab = await Lab.open();
    const entry = (home: string) =>
      `[[runners]]\nname = "${home}"\nurl = "${lab.coordinator.url}"\ntoken = "${lab.runner.token}"\n` +
      `executor = "shell"\nbuilds_dir = "${lab.path(home)}"\n`;
    writeFileSync(
      lab.process.configPath,
      `concurrent = 8\ncheck_interval = 1\n${entry("a")}${entry("b")}`,
    );
    const { bell } = lab.runner;
    const { wait } = bell;
    let open = 0;
    let most = 0;
    let ended = 0;
    bell.wait = (...args) => {
      most = Math.max(most, ++open);
      return wait.apply(bell, args).finally(() => {
        open--;
        ended++;
      });
    };
    lab.start();
    await eventually(() => ended >= 3, "three requests", 20_000);
    expect(most).toBe(1);
    const description = { script: "echo in $CI_BUILDS_DIR", repository: undefined };
    const homes = new Set<string | undefined>();
    for (let job = 0; job < 6; job++) {
      const finished = await lab.run(description);
      expectSuccess(finished);
      homes.add(/in \S+\/([ab])\n/.exec(finished.plain)?.[1]);
    }
    expect(homes).toEqual(new Set(["a", "b"]));
    expect(most).toBe(1);
    lab.expectNoFindings();
  },
  40_000,
);

test.concurrent("a URL that ends in /ci works, and is told of", async () => {
  await using lab = await Lab.open();
  const { configPath } = lab.process;
  const { url } = lab.coordinator;
  writeFileSync(configPath, readFileSync(configPath, "utf8").replace(url, `${url}/ci/`));
  expectSuccess(await lab.start().run({ script: "true", repository: lab.repositories.app }));
  expect(lab.process.log).toContain(
    "WARNING: runners[runner-0].url: The runner URL contains a legacy '/ci' suffix, which has no " +
      `meaning any more; write "${url}".`,
  );
});
