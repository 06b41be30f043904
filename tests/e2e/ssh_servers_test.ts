/** The ssh executor with users and servers as people have them. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { isRunning } from "../conformance/executor_suite.ts";
import { missingForSshd, type SshdUser, startSshd, type TestSshd } from "../fixtures/sshd.ts";
import { eventually, expectFailure, expectSuccess, type FinishedJob, type Lab } from "./lab.ts";
import { openSshLab } from "./ssh_lab.ts";

setDefaultTimeout(60_000);

const missing = missingForSshd();

if (missing === undefined) {
  describe("ssh executor and users", users);
  describe("ssh executor and accounts that may not log in", accounts);
  describe("ssh executor and its helper on the target", helpers);
} else test.skip(`ssh executor and users: NOT RUN, ${missing}`, () => {});

const BUSYBOX = Bun.which("busybox");

/** Login shells, as far as this machine has them. */
const SHELLS = ["fish", "zsh", "dash", "tcsh", "ksh"].flatMap((name) => {
  const shell = Bun.which(name);
  return shell === null ? [] : [{ name, shell }];
}).concat(BUSYBOX === null ? [] : [{ name: "ash", shell: "/mnt/ash" }]);

/** What bash reads when a server starts it for a command. */
const START_FILES: Readonly<Record<string, string>> = {
  talker: "echo good morning; echo and more >&2\n",
  dawdler: "echo good; sleep 2; echo morning; sleep 1; yes and more | head -n 20000\n",
  leaver: "echo not for machines; exit 3\n",
  silent: "exit\n",
};

function users(): void {
  let sshd: TestSshd;
  let lab: Lab;
  beforeAll(async () => {
    const own: readonly SshdUser[] = [
      ...SHELLS,
      ...Object.keys(START_FILES).map((name) => ({ name })),
      { name: "nobody-at-all", shell: "/usr/sbin/nologin" },
      { name: "false-shell", shell: "/bin/false" },
      { name: "homeless" },
      { name: "kept-out" },
      { name: "sftp-only" },
      { name: "forced" },
    ];
    const ash = `mount -t tmpfs none /mnt; cp "${BUSYBOX}" /mnt/ash`;
    sshd = await startSshd({
      users: own,
      setup: BUSYBOX === null ? [] : [ash],
      lines: [
        "Banner /etc/passwd",
        "Match User sftp-only",
        "ForceCommand internal-sftp",
        "Match User forced",
        "ForceCommand echo go away",
        "Match all",
      ],
    });
    for (const [name, text] of Object.entries(START_FILES)) {
      writeFileSync(join(sshd.homes, name, ".bashrc"), text);
    }
    rmdirSync(join(sshd.homes, "homeless"));
    chownSync(join(sshd.homes, "kept-out"), 0, 0);
    lab = (await openSshLab(sshd, { user: "$WHO" }, { requestConcurrency: 3 })).start();
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
  });
  const run = async (name: string, script: string[]): Promise<FinishedJob> =>
    await lab.run({ variables: { WHO: name }, script });

  test.each(SHELLS.map(({ name }) => name))(
    "run the jobs of one whose shell is %s",
    async (name) => {
      const nap = uniqueNap();
      const left = `(trap '' TERM HUP; setsid sleep ${nap}) & id -un`;
      const job = await run(name, [left, "pwd", "exit 7"]);
      expectFailure(job, "script_failure", 7);
      expect(job.lines).toContain(name);
      expect(job.plain).toContain(`\n${sshd.homes}/${name}/builds/`);
      await eventually(() => !isRunning(nap), "nothing is left");
    },
  );

  test.each(["root", SHELLS[0]?.name ?? "talker"])(
    "cancels and a time limit end all that %s has started",
    async (name) => {
      const begin = async (more: { timeout?: number; afterScript?: string[] } = {}) => {
        const naps = [uniqueNap(), uniqueNap()];
        const script = [`setsid sleep ${naps[0]} & sleep ${naps[1]}`];
        const job = lab.enqueue({ variables: { WHO: name }, script, ...more });
        await eventually(() => naps.every(isRunning), "the script runs");
        return { job, naps };
      };
      const forced = await begin();
      forced.job.cancel("forced");
      await eventually(() => !forced.naps.some(isRunning), "nothing is left", 30_000);
      const gentle = await begin({ afterScript: ["echo after all"] });
      gentle.job.cancel("graceful");
      const canceled = await lab.finished(gentle.job);
      expect(canceled.state).toBe("canceled");
      expect(canceled.lines).toContain("after all");
      expect(gentle.naps.filter(isRunning)).toEqual([]);
      const late = await begin({ timeout: 8 });
      expectFailure(await lab.finished(late.job), "job_execution_timeout");
      expect(late.naps.filter(isRunning)).toEqual([]);
    },
  );

  test("an order to stop at once ends all that jobs have started, whoever runs them", async () => {
    await using its = (await openSshLab(sshd, { user: "$WHO" }, { requestConcurrency: 2 })).start();
    const naps = [uniqueNap(), uniqueNap()];
    const names = ["root", SHELLS[0]?.name ?? "talker"];
    const jobs = names.map((name, index) =>
      its.enqueue({ variables: { WHO: name }, script: [`setsid sleep ${naps[index]} & wait`] })
    );
    await eventually(() => naps.every(isRunning), "the scripts run");
    its.process.signal("SIGTERM");
    await its.process.exited();
    expect(naps.filter(isRunning)).toEqual([]);
    for (const job of jobs) expectFailure(await its.finished(job), "runner_interrupted");
  });

  test("a start file that talks is heard, and disturbs nothing", async () => {
    for (const [name, word] of [["talker", "good morning"], ["dawdler", "morning"]] as const) {
      const job = await run(name, ["echo $((6 * 7))"]);
      expectSuccess(job);
      expect(job.lines).toContain(word);
      expect(job.lines).toContain("42");
    }
  });

  test("users for whom nothing runs are told so", async () => {
    const reasons = {
      leaver: "(exit code 3: not for machines)",
      silent: "(exit code 0)",
      "nobody-at-all": "(exit code 1: This account is currently not available.)",
      "false-shell": "(exit code 1)",
      "sftp-only": "(exit code 1: This service allows sftp connections only.)",
      forced: "(exit code 0: go away)",
    };
    const jobs = Object.entries(reasons).map(([name, why]) => ({ why, job: run(name, ["true"]) }));
    for (const { why, job } of jobs) {
      const finished = await job;
      expectFailure(finished, "runner_system_failure");
      expect(finished.plain).toContain(`The server does not run commands for this user ${why}`);
      expect(finished.plain).toContain("Look at the user's login shell, at the files it starts");
    }
  });

  test.each([
    ["without a home", "homeless", () => "/builds"],
    ["whose home is closed", "kept-out", () => `${sshd.homes}/kept-out/builds`],
  ])("a user %s is told where there is no place for builds", async (_what, name, builds) => {
    const job = await run(name, ["true"]);
    expectFailure(job, "script_failure", 1);
    expect(job.plain).toContain(
      `WARNING: "${name}" has no home directory on the target, or may not write there: builds and ` +
        "caches need another place, as builds_dir and cache_dir in [[runners]]",
    );
    expect(job.plain).toContain(`'${builds()}': Permission denied`);
  });
}

function accounts(): void {
  const PASSWORD = "secret-password";
  const own: readonly SshdUser[] = [
    { name: "expired", password: PASSWORD, expired: "password" },
    { name: "over", password: PASSWORD, expired: "account" },
    { name: "locked" },
    { name: "shell-less", password: PASSWORD, shell: "/no/such/shell" },
  ];
  const CHANGE = "the password has expired: log in there once by hand to change it";
  const REFUSED =
    "the account must not be locked or have expired, and its login shell has to exist";
  const CLOSED = "the server closed the connection during the login. Its own log says why";
  const SERVERS: readonly {
    readonly what: string;
    readonly lines: readonly string[];
    readonly byKey: boolean;
    readonly reasons: Readonly<Record<string, string | undefined>>;
  }[] = [
    {
      what: "by key",
      lines: ["UsePAM yes"],
      byKey: true,
      reasons: { expired: CHANGE, over: CLOSED, locked: undefined, "shell-less": REFUSED },
    },
    {
      what: "by password",
      lines: ["UsePAM no", "PasswordAuthentication yes", "KbdInteractiveAuthentication no"],
      byKey: false,
      reasons: { expired: CHANGE, over: REFUSED, locked: REFUSED, "shell-less": REFUSED },
    },
    {
      what: "by the questions of PAM",
      lines: ["UsePAM yes", "PasswordAuthentication no", "KbdInteractiveAuthentication yes"],
      byKey: false,
      reasons: { expired: CHANGE, over: REFUSED, locked: REFUSED, "shell-less": REFUSED },
    },
  ];

  test.each(SERVERS)("say why, where they log in $what", async ({ lines, byKey, reasons }) => {
    await using sshd = await startSshd({ users: own, lines });
    const ways = byKey ? {} : { identity_file: "", password: PASSWORD };
    const options = { requestConcurrency: own.length };
    await using lab = (await openSshLab(sshd, { user: "$WHO", ...ways }, options)).start();
    const jobs = Object.entries(reasons).map(([name, why]) => ({
      why,
      job: lab.enqueue({ variables: { WHO: name }, script: ["true"] }),
    }));
    for (const { why, job } of jobs) {
      const finished = await lab.finished(job);
      if (why === undefined) expectSuccess(finished);
      else {
        expectFailure(finished, "runner_system_failure");
        expect(finished.plain).toContain(why);
      }
    }
  });
}

function helpers(): void {
  const job = {
    script: ["echo made > made.txt"],
    artifacts: [{ artifact_type: "archive", artifact_format: "zip", paths: ["made.txt"] }],
  };

  test.each([
    ["lets no program run", "mount -t tmpfs -o noexec none", "no program may run there (noexec)"],
    ["is full", "mount -t tmpfs -o size=20m none", "of which 20 are free"],
    ["is read only", "mount -t tmpfs -o ro none", "Read-only file system"],
  ])("a home that %s has none, and the job says why", async (_what, mount, why) => {
    await using sshd = await startSshd({ setup: [`${mount} "$D/home"`] });
    const entry = [`builds_dir = "${sshd.directory}/builds"`];
    await using lab = (await openSshLab(sshd, {}, { entry })).start();
    const finished = await lab.run(job);
    expectSuccess(finished);
    expect(finished.plain).toContain('WARNING: Cannot copy the helper to "');
    expect(finished.plain).toContain(why);
    expect(finished.plain).toContain("Missing gitlab-runner. Uploading artifacts is disabled.");
  });

  test("jobs that start together copy it once, and what nobody has used for a month goes", async () => {
    await using sshd = await startSshd({
      environment: ["PATH=/mnt:/usr/bin:/bin"],
      // What verifies a copy counts them.
      setup: [
        'mount -t tmpfs none /mnt; echo "#!/bin/sh" > /mnt/sha256sum; chmod 755 /mnt/sha256sum',
        'echo "echo copy >> $D/copies; exec /usr/bin/sha256sum \\"\\$@\\"" >> /mnt/sha256sum',
      ],
    });
    const directory = join(sshd.home, ".cache/gitlab-runner-helper");
    mkdirSync(directory, { recursive: true });
    for (const [name, days] of [["old", 32], ["recent", 20]] as const) {
      const seconds = Date.now() / 1000 - days * 24 * 3600;
      writeFileSync(join(directory, name), "");
      utimesSync(join(directory, name), seconds, seconds);
    }
    const many = { globals: ["concurrent = 3"], requestConcurrency: 3 };
    await using lab = (await openSshLab(sshd, {}, many)).start();
    const jobs = Array.from({ length: 3 }, () => lab.enqueue(job));
    for (const each of jobs) expectSuccess(await lab.finished(each));
    expect(readFileSync(join(sshd.directory, "copies"), "utf8")).toBe("copy\n");
    expect(readdirSync(directory).sort()).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/),
      "recent",
    ]);
  });
}
