/** What the ssh executor makes of its connections: shares them, and lives without them. */

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { isRunning } from "../conformance/executor_suite.ts";
import { openLink } from "../fixtures/frozen_link.ts";
import { missingForSshd, startSshd } from "../fixtures/sshd.ts";
import { eventually, expectFailure, expectSuccess } from "./lab.ts";
import { processes } from "../fixtures/processes.ts";
import { NOTICED_MS, openSshLab } from "./ssh_lab.ts";

const missing = missingForSshd();

if (missing === undefined) describe("ssh executor", suite);
else test.skip(`ssh executor: NOT RUN, ${missing}`, () => {});

/** Of what a stage is supervised by, to look for on the target. */
const SUPERVISOR = "exec 3<&0 </dev/null";

function suite(): void {
  test.each([
    ["without a limit", [], 1],
    ["with MaxSessions 2", ["MaxSessions 2"], 2],
    ["with MaxSessions 1", ["MaxSessions 1"], 4],
  ])("four jobs at a time on a server %s", async (_what, lines, connections) => {
    await using sshd = await startSshd({ lines });
    const many = { globals: ["concurrent = 4"], requestConcurrency: 4 };
    await using lab = (await openSshLab(sshd, {}, many)).start();
    const naps = Array.from({ length: 4 }, uniqueNap);
    const gate = lab.gate("open");
    const jobs = naps.map((nap) =>
      lab.enqueue({ script: [`sleep ${nap} & ${gate.wait}`, "echo $((6 * 7))"] })
    );
    await eventually(() => naps.every(isRunning), "all scripts run");
    expect(sshd.sessions()).toHaveLength(connections);
    gate.open();
    for (const job of jobs) {
      const finished = await lab.finished(job);
      expectSuccess(finished);
      expect(finished.lines).toContain("42");
    }
    expectSuccess(await lab.run({ script: ["true"], afterScript: ["true"] }));
    expect(sshd.sessions()).toHaveLength(connections);
  }, 60_000);

  test(
    "a connection that dies while the helper is copied is replaced, and half a copy goes",
    async () => {
      await using sshd = await startSshd();
      await using lab = (await openSshLab(sshd)).start();
      const helpers = join(sshd.home, ".cache/gitlab-runner-helper");
      const job = lab.enqueue({
        script: ["echo kept > kept"],
        artifacts: [{ artifact_type: "archive", artifact_format: "zip", paths: ["kept"] }],
      });
      await eventually(() => existsSync(helpers) && readdirSync(helpers).length > 0, "the copy");
      for (const session of sshd.sessions()) process.kill(session, "SIGKILL");
      const finished = await lab.finished(job);
      expectSuccess(finished);
      expect(finished.plain).toContain("Preparation failed: Lost the SSH connection");
      expect(readdirSync(helpers).filter((name) => name.includes("."))).toEqual([]);
    },
    60_000,
  );

  test("a runner that is killed while it copies the helper leaves no half of it", async () => {
    await using sshd = await startSshd();
    await using lab = (await openSshLab(sshd)).start();
    const helpers = join(sshd.home, ".cache/gitlab-runner-helper");
    const halves = () =>
      existsSync(helpers) ? readdirSync(helpers).filter((name) => name.includes(".")) : [];
    const job = lab.enqueue({
      script: ["echo kept > kept"],
      artifacts: [{ artifact_type: "archive", artifact_format: "zip", paths: ["kept"] }],
    });
    await eventually(() => halves().length > 0, "the copy");
    lab.process.signal("SIGKILL");
    await lab.process.exited();
    await eventually(() => halves().length === 0, "it is removed", 5000);
    lab.start();
    expectFailure(await lab.finished(job), "runner_system_failure");
  }, 60_000);

  test("jobs that name one place for their checkouts go there one after the other", async () => {
    await using sshd = await startSshd();
    await using lab = (await openSshLab(sshd, {}, {
      globals: ["concurrent = 3"],
      requestConcurrency: 3,
      entry: ["[runners.custom_build_dir]", "enabled = true"],
    })).start();
    const gate = lab.gate("open");
    const begin = (place: string) =>
      lab.enqueue({
        variables: { GIT_STRATEGY: "none", GIT_CLONE_PATH: `$CI_BUILDS_DIR/${place}` },
        script: ["mkdir ../busy", gate.wait, "rmdir ../busy"],
      });
    const first = begin("one/inside");
    await lab.printed(first, "$ mkdir ../busy");
    const [second, other] = [begin("one/inside"), begin("two/inside")];
    await lab.printed(second, "Waiting for another job to leave");
    await lab.printed(other, "$ mkdir ../busy");
    gate.open();
    for (const job of [first, second, other]) expectSuccess(await lab.finished(job));
  }, 60_000);

  test("a server that runs nothing fails the job and says so", async () => {
    await using sshd = await startSshd({ lines: ["MaxSessions 0"] });
    await using lab = (await openSshLab(sshd)).start();
    const job = await lab.run({ script: ["true"] });
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toContain("does not run commands");
  }, 60_000);

  test("a job goes on when its connection breaks between two stages", async () => {
    await using sshd = await startSshd();
    await using lab = (await openSshLab(sshd)).start();
    expectSuccess(await lab.run({ script: ["true"] }));
    const [session = 0] = sshd.sessions();
    process.kill(session, "SIGKILL");
    expectSuccess(await lab.run({ script: ["true"] }));
  }, 30_000);

  test.each([
    ["before the sources are fetched", { pre_get_sources_script: true }],
    ["during the script", { script: true }],
    ["during after_script", { after_script: true }],
  ])("a connection that dies %s leaves nothing running", async (_when, where) => {
    await using sshd = await startSshd();
    const [nap, far] = [uniqueNap(), uniqueNap()];
    const naps = `setsid sleep ${far} & sleep ${nap}`;
    const isHook = "pre_get_sources_script" in where;
    const entry = isHook ? [`pre_get_sources_script = "${naps}"`] : [];
    await using lab = (await openSshLab(sshd, {}, { entry })).start();
    const { app } = lab.repositories;
    const job = lab.enqueue({
      script: ["script" in where ? naps : "true"],
      ...("after_script" in where ? { afterScript: [naps] } : {}),
      ...(isHook ? { repository: { path: app.path, sha: app.sha } } : {}),
    });
    await eventually(() => [nap, far].every(isRunning), "the script runs");
    const started = performance.now();
    for (const session of sshd.sessions()) process.kill(session, "SIGKILL");
    const finished = await lab.finished(job);
    expect(performance.now() - started).toBeLessThan(NOTICED_MS);
    if ("after_script" in where) expectSuccess(finished);
    else expectFailure(finished, "runner_system_failure");
    expect(finished.plain).toContain("Lost the SSH connection");
    await eventually(() => ![nap, far].some(isRunning), "the script is ended", 5000);
  }, 60_000);

  test(
    "sources are tried again as often as GET_SOURCES_ATTEMPTS says, and the log says why",
    async () => {
      await using sshd = await startSshd();
      const nap = uniqueNap();
      const once = "$HOME/once";
      const entry = [
        `pre_get_sources_script = '[ -e "${once}" ] || { touch "${once}"; sleep ${nap}; }'`,
      ];
      await using lab = (await openSshLab(sshd, {}, { entry })).start();
      const job = lab.enqueue({
        repository: lab.repositories.app,
        script: ["cat README.md"],
        variables: { GET_SOURCES_ATTEMPTS: "2" },
      });
      await eventually(() => isRunning(nap), "the first try");
      for (const session of sshd.sessions()) process.kill(session, "SIGKILL");
      const finished = await lab.finished(job);
      expectSuccess(finished);
      expect(finished.plain).toMatch(
        /\nWARNING: Lost the SSH connection to .+\nWARNING: Retrying\.\.\.\n/,
      );
      expect(isRunning(nap)).toBe(false);
    },
    60_000,
  );

  test(
    "a network that carries nothing any more costs seconds here and half a minute there",
    async () => {
      await using sshd = await startSshd();
      await using link = await openLink(sshd.port);
      writeFileSync(sshd.knownHosts, `[127.0.0.1]:${link.port} ${sshd.publicKeys[0]}\n`);
      await using lab = (await openSshLab({ ...sshd, port: link.port })).start();
      const [nap, far] = [uniqueNap(), uniqueNap()];
      const job = lab.enqueue({ script: [`setsid sleep ${far} & yes & sleep ${nap}`] });
      await eventually(() => [nap, far].every(isRunning), "the script runs");
      const started = performance.now();
      link.freeze();
      expectFailure(await lab.finished(job), "runner_system_failure");
      expect(performance.now() - started).toBeLessThan(NOTICED_MS);
      const isThere = () =>
        [nap, far].some(isRunning) ||
        processes().some(({ commandLine }) => commandLine.includes(SUPERVISOR));
      expect(isThere()).toBe(true);
      await eventually(() => !isThere(), "the target ends the script itself", 45_000);
    },
    90_000,
  );
}
