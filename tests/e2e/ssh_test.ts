/** The ssh executor of the compiled executable, with a real OpenSSH server. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isRunning } from "../conformance/executor_suite.ts";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { makeKey, missingForSshd, startSshd, type TestSshd } from "../fixtures/sshd.ts";
import { TestAgent } from "../fixtures/ssh_agent.ts";
import { eventually, expectFailure, expectSuccess, type Lab, zipNames } from "./lab.ts";
import { peakMemoryMiB, processes } from "../fixtures/processes.ts";
import { NOTICED_MS, openSshLab } from "./ssh_lab.ts";

const missing = missingForSshd();

if (missing === undefined) describe("ssh executor", suite);
else test.skip(`ssh executor: NOT RUN, ${missing}`, () => {});

function suite(): void {
  let sshd: TestSshd;
  let lab: Lab;
  beforeAll(async () => {
    sshd = await startSshd({ hostKeys: ["ed25519", "rsa"] });
    lab = (await openSshLab(sshd)).start();
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
  });

  test(
    "runs a job from its sources to its artifacts, with a helper that is copied once",
    async () => {
      const { app } = lab.repositories;
      // As Debian gives it to every user.
      writeFileSync(join(sshd.home, ".bash_logout"), "clear_console -q || false\n");
      const job = {
        repository: { path: app.path, sha: app.sha },
        script: ["cat README.md", "mkdir -p kept; date > kept/now", "exit 0"],
        cache: [{ key: "k", paths: ["kept/"], policy: "pull-push", when: "on_success" }],
        artifacts: [{ artifact_type: "archive", artifact_format: "zip", paths: ["README.md"] }],
      };
      const first = await lab.run(job);
      expectSuccess(first);
      expect(first.lines).toContain("Using SSH executor...");
      expect(await zipNames(lab.artifact(first.job))).toEqual(["README.md"]);
      expect(readdirSync(join(sshd.home, "builds"))).toHaveLength(1);
      const helpers = join(sshd.home, ".cache/gitlab-runner-helper");
      expect(readdirSync(helpers)).toHaveLength(1);
      const second = await lab.run(job);
      expectSuccess(second);
      expect(second.plain).toContain("Successfully extracted cache");
      expect(readdirSync(helpers)).toHaveLength(1);
    },
    60_000,
  );

  test("tells a script's exit code in GitLab Runner's words", async () => {
    const job = await lab.run({ script: ["exit 7"] });
    expectFailure(job, "script_failure", 7);
    expect(job.lines).toContain("ERROR: Job failed: Process exited with status 7");
  });

  test("a canceled job leaves nothing running", async () => {
    const naps = [uniqueNap(), uniqueNap()];
    const job = lab.enqueue({ script: [`setsid sleep ${naps[0]} & sleep ${naps[1]}`] });
    await eventually(() => naps.every(isRunning), "the script runs");
    job.cancel("graceful");
    expect((await lab.finished(job)).state).toBe("canceled");
    expect(naps.filter(isRunning)).toEqual([]);
  }, 30_000);

  test(
    "a job whose runner is killed leaves nothing running, and no secret when it is back",
    async () => {
      await using its = (await openSshLab(sshd)).start();
      const naps = [uniqueNap(), uniqueNap()];
      const noted = its.path("noted");
      const job = its.enqueue({
        variables: { SECRET: { value: "in a file", file: true } },
        script: [`echo $SECRET > ${noted}`, `setsid sleep ${naps[0]} & sleep ${naps[1]}`],
      });
      await eventually(() => naps.every(isRunning), "the script runs");
      its.process.signal("SIGKILL");
      await eventually(() => !naps.some(isRunning), "the script is ended", 5000);
      const secret = readFileSync(noted, "utf8").trim();
      expect(readFileSync(secret, "utf8")).toBe("in a file");
      await its.process.exited();
      its.start();
      expectFailure(await its.finished(job), "runner_system_failure");
      expect(existsSync(secret)).toBe(false);
    },
    30_000,
  );

  test(
    "no password, token or variable shows in arguments or in the runner's debug log",
    async () => {
      await using its = (await openSshLab(sshd, {}, { globals: ['log_level = "debug"'] })).start();
      const word = `word-${crypto.randomUUID()}`;
      const filed = `filed-${crypto.randomUUID()}`;
      const files = { artifact_type: "archive", artifact_format: "zip", paths: ["made.txt"] };
      const repository = { path: its.repositories.app.path, sha: its.repositories.app.sha };
      const source = await its.run({ script: ["echo made > made.txt"], artifacts: [files] });
      expectSuccess(source);
      rmSync(join(sshd.home, ".cache"), { recursive: true });
      const job = its.enqueue({
        variables: { WORD: word, FILED: { value: filed, file: true } },
        repository,
        dependencies: [source.job.id],
        cache: [{ key: "k", paths: ["made.txt"], policy: "pull-push", when: "on_success" }],
        script: [`sleep ${uniqueNap()} & echo up; sleep 2`],
        afterScript: ["echo after $WORD; cat $FILED"],
        artifacts: [files],
      });
      const secrets = [word, filed, job.token, its.runner.token, "secret-password"];
      const seen = new Set<string>();
      const look = () => {
        const all = processes().map(({ commandLine }) => commandLine).join("\n");
        for (const secret of secrets) if (all.includes(secret)) seen.add(secret);
      };
      const looking = setInterval(look, 5);
      const finished = await its.finished(job);
      clearInterval(looking);
      expectSuccess(finished);
      expect(finished.plain).toContain("Uploading artifacts as");
      expect(finished.plain).toContain("Downloading artifacts for");
      expect([...seen]).toEqual([]);
      expect(its.process.log).toContain("Starting SSH command...");
      for (const secret of secrets) expect(its.process.log).not.toContain(secret);
    },
    30_000,
  );

  test("an agent logs in where there is neither a key nor a password", async () => {
    await using agent = await TestAgent.start(lab.path("agent"));
    const env = { SSH_AUTH_SOCK: agent.socket };
    await using its = (await openSshLab(sshd, { identity_file: "", password: "" }, { env }))
      .start();
    const refused = await its.run({ script: ["true"] });
    expectFailure(refused, "runner_system_failure");
    expect(refused.plain).toContain("has no keys: add one with ssh-add");
    agent.add(sshd.keys.friend);
    expectSuccess(await its.run({ script: ["true"] }));
  }, 60_000);

  test("a server is known by the authority that has signed its key", async () => {
    const authority = lab.path("authority");
    makeKey(authority, "ed25519");
    const how = ["-h", "-n", "127.0.0.1"];
    await using certified = await startSshd({ certified: { authority, how } });
    writeFileSync(
      certified.knownHosts,
      `@cert-authority 127.0.0.*,[127.0.0.*]:* ${readFileSync(`${authority}.pub`, "utf8")}`,
    );
    await using its = (await openSshLab(certified)).start();
    expectSuccess(await its.run({ script: ["true"] }));
  }, 30_000);

  test("an image that a job names means nothing here", async () => {
    expectSuccess(await lab.run({ image: { name: "alpine:latest" }, script: ["true"] }));
  });

  test("400 MB of log take no more memory than 100", async () => {
    await using its = (await openSshLab(sshd, {}, { entry: ["output_limit = 1000000"] })).start();
    const print = (megabytes: number) =>
      its.run({ script: [`head -c ${megabytes}000000 /dev/zero | tr '\\0' x | fold -w 99`] });
    expectSuccess(await print(100));
    const before = peakMemoryMiB(its.process.pid);
    const long = await print(400);
    expectSuccess(long);
    expect(long.text.length).toBeGreaterThan(400_000_000);
    expect(peakMemoryMiB(its.process.pid) - before).toBeLessThan(32);
  }, 120_000);

  test.each([
    ["whose server dies", "SIGKILL" as const],
    ["whose server stops answering", "SIGSTOP" as const],
  ])("a job %s is a system failure within seconds, and nothing runs on", async (_what, signal) => {
    await using own = await startSshd();
    await using its = (await openSshLab(own)).start();
    const naps = [uniqueNap(), uniqueNap()];
    const job = its.enqueue({ script: [`setsid sleep ${naps[0]} & sleep ${naps[1]}`] });
    await eventually(() => naps.every(isRunning), "the script runs");
    const started = performance.now();
    const [session = 0] = own.sessions();
    process.kill(session, signal);
    const finished = await its.finished(job);
    expectFailure(finished, "runner_system_failure");
    expect(performance.now() - started).toBeLessThan(NOTICED_MS);
    expect(finished.plain).toContain("Lost the SSH connection");
    await eventually(() => !naps.some(isRunning), "the script is ended");
  }, 60_000);

  test(
    "a server with another key than known_hosts has is refused with both fingerprints",
    async () => {
      const other = sshd.publicKeys[0]?.split(" ") ?? [];
      await using stranger = await startSshd();
      writeFileSync(
        stranger.knownHosts,
        `[127.0.0.1]:${stranger.port} ${other[0]} ${other[1]}\n`,
      );
      await using its = (await openSshLab(stranger)).start();
      const job = await its.run({ script: ["echo never"] });
      expectFailure(job, "runner_system_failure");
      expect(job.plain).not.toContain("$ echo never");
      expect(new Set(job.plain.match(/SHA256:[A-Za-z0-9+/]{43}/g))).toHaveLength(2);
    },
    60_000,
  );

  test("a known_hosts with one of the server's key types is enough", async () => {
    const rsa = sshd.publicKeys.find((key) => key.startsWith("ssh-rsa ")) ?? "";
    const path = lab.path("known-rsa");
    writeFileSync(path, `[127.0.0.1]:${sshd.port} ${rsa}\n`);
    await using its = (await openSshLab(sshd, { known_hosts_file: path })).start();
    expectSuccess(await its.run({ script: ["true"] }));
  }, 30_000);

  test("host, port, user and key may be the job's variables", async () => {
    const ssh = { host: "$TARGET", port: "${PORT}", user: "$WHO", identity_file: "$KEY" };
    await using its = (await openSshLab(sshd, ssh)).start();
    const variables = {
      TARGET: "127.0.0.1",
      PORT: String(sshd.port),
      WHO: "root",
      KEY: sshd.keys.friend,
    };
    expectSuccess(await its.run({ variables, script: ["true"] }));
  }, 30_000);

  test("an encrypted key needs its passphrase", async () => {
    const key = lab.path("encrypted");
    const made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", key];
    expect(Bun.spawnSync(made).exitCode).toBe(0);
    appendFileSync(join(sshd.directory, "authorized"), readFileSync(`${key}.pub`));
    await using without = (await openSshLab(sshd, { identity_file: key })).start();
    const refused = await without.run({ script: ["true"] });
    expectFailure(refused, "runner_system_failure");
    expect(refused.plain).toContain("SSH_PASSPHRASE");
    await using its = (await openSshLab(sshd, { identity_file: key }, {
      env: { SSH_PASSPHRASE: "open sesame" },
    })).start();
    expectSuccess(await its.run({ script: ["true"] }));
    expect(existsSync(key)).toBe(true);
  }, 60_000);
}
