/** Drivers for the custom executor that isolate jobs with real programs, written as gitlab-runner's are. */

import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { eventually, expectFailure, expectSuccess, Lab } from "./lab.ts";
import { processes } from "../fixtures/processes.ts";
import { EXECUTABLE } from "./runner_process.ts";

/** Bash programs. `$ROOT` is the job's directory, `$NAME` its name, `$PROGRAM` this executable. */
interface Driver {
  readonly name: string;
  /** Succeeds where this machine has what the driver needs, and lets it work. */
  readonly probe: readonly string[];
  readonly prepare: string;
  /** Runs bash inside, with the script as its standard input. */
  readonly run: string;
  readonly cleanup: string;
}

/** A root directory with places for what is mounted there. */
const MAKE_ROOT = `mkdir -p "$ROOT"/{usr,etc,proc,sys,dev,tmp,run,opt,var,builds,cache}
for each in bin sbin lib lib64; do ln -s "usr/$each" "$ROOT/$each"; done
touch "$ROOT/opt/gitlab-runner"`;

const DRIVERS: readonly Driver[] = [
  {
    name: "bwrap",
    probe: ["bwrap", "--ro-bind", "/", "/", "true"],
    prepare: 'mkdir -p "$ROOT/builds" "$ROOT/cache"',
    run: `bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \\
  --symlink usr/lib64 /lib64 --symlink usr/sbin /sbin --ro-bind /etc /etc --proc /proc --dev /dev \\
  --tmpfs /tmp --bind "$ROOT/builds" /builds --bind "$ROOT/cache" /cache \\
  --ro-bind "$PROGRAM" /opt/gitlab-runner --unshare-pid --die-with-parent --clearenv \\
  --setenv PATH /opt:/usr/bin:/bin --setenv HOME /tmp bash`,
    cleanup: "",
  },
  {
    name: "systemd-nspawn",
    probe: ["systemd-nspawn", "--register=no", "--keep-unit", "-D", "/", "--volatile=yes", "true"],
    prepare: MAKE_ROOT,
    run: `systemd-nspawn --quiet --pipe --register=no --keep-unit --link-journal=no \\
  --machine="$NAME" --directory="$ROOT" --bind-ro=/usr --bind-ro=/etc \\
  --bind-ro="$PROGRAM:/opt/gitlab-runner" --setenv=PATH=/opt:/usr/bin:/bin bash`,
    cleanup: "",
  },
  {
    name: "lxc",
    probe: ["lxc-unshare", "-s", "PID|MOUNT|UTSNAME|IPC", "--", "true"],
    // The container stays between the stages.
    prepare: `${MAKE_ROOT}
mkdir -p "$WHERE/lxc"
cat > "$ROOT.conf" <<END
lxc.uts.name = $NAME
lxc.rootfs.path = dir:$ROOT
lxc.mount.auto = proc:mixed sys:ro
lxc.mount.entry = /usr usr none bind,ro 0 0
lxc.mount.entry = /etc etc none bind,ro 0 0
lxc.mount.entry = $PROGRAM opt/gitlab-runner none bind,ro 0 0
lxc.net.0.type = none
lxc.apparmor.profile = unconfined
lxc.init.cmd = /bin/sleep infinity
END
lxc-start --lxcpath "$WHERE/lxc" --name "$NAME" --rcfile "$ROOT.conf"`,
    run: `lxc-attach --lxcpath "$WHERE/lxc" --name "$NAME" --rcfile "$ROOT.conf" --clear-env \\
  --set-var PATH=/opt:/usr/bin:/bin -- bash`,
    cleanup: `lxc-stop --lxcpath "$WHERE/lxc" --name "$NAME" --kill; rm "$ROOT.conf"`,
  },
];

const CONFIG = `cat <<END
{"driver":{"name":"lab","version":"v0.1"},"builds_dir":"/builds","cache_dir":"/cache",
 "builds_dir_is_shared":false,"hostname":"sandbox",
 "job_env":{"NAME":"lab-$$","ROOT":"$WHERE/lab-$$"}}
END`;

/** What every driver tells of its end. */
const JUDGE = `code=$?
[ $code = 0 ] && exit 0
echo $code > "$BUILD_EXIT_CODE_FILE"
exit $BUILD_FAILURE_EXIT_CODE`;

function canRun([program = "", ...args]: readonly string[]): boolean {
  return Bun.which(program) !== null &&
    Bun.spawnSync([program, ...args], { timeout: 20_000 }).exitCode === 0;
}

async function openLab({ prepare, run, cleanup }: Driver): Promise<Lab> {
  const lab = await Lab.open();
  const program = (name: string, ...body: readonly string[]) => {
    const path = lab.path(name);
    const head = `#!/bin/bash\nWHERE=${lab.path(".")} PROGRAM=${EXECUTABLE}`;
    writeFileSync(path, [head, ...body, ""].join("\n"), { mode: 0o755 });
    return path;
  };
  lab.process.configure([{
    url: lab.coordinator.url,
    token: lab.runner.token,
    lines: [
      'executor = "custom"',
      "[runners.feature_flags]",
      "FF_TIMESTAMPS = false",
      "[runners.custom]",
      `config_exec = "${program("config", CONFIG)}"`,
      `prepare_exec = "${
        program(
          "prepare",
          `set -e; echo "image $CUSTOM_ENV_CI_JOB_IMAGE, services $CUSTOM_ENV_CI_JOB_SERVICES"`,
          prepare,
        )
      }"`,
      `run_exec = "${program("run", `${run} < "$1"`, JUDGE)}"`,
      `cleanup_exec = "${
        program("cleanup", cleanup, `rm -rf "$ROOT"; touch "$WHERE/cleaned-$CUSTOM_ENV_CI_JOB_ID"`)
      }"`,
      "graceful_kill_timeout = 5",
    ],
  }]);
  return lab.start();
}

describe.each(DRIVERS)("a driver with $name", (driver) => {
  const isMissing = !canRun(driver.probe);
  const title = (text: string) => `${text} (needs ${driver.name}, and leave to use it)`;

  test.skipIf(isMissing)(
    title("runs jobs from sources to artifacts, and says how they end"),
    async () => {
      await using lab = await openLab(driver);
      const job = await lab.run({
        repository: lab.repositories.app,
        image: "debian:12",
        script: ["cat README.md", `[ ! -e ${lab.path("config.toml")} ]`, "echo made > made.txt"],
        artifacts: [{ name: "default", paths: ["made.txt"] }],
      });
      expectSuccess(job);
      expect(job.plain).toContain("Using Custom executor with driver lab v0.1...");
      expect(job.plain).toContain("image debian:12, services \n");
      expect(job.plain).toContain("made.txt: found 1 matching artifact files and directories");
      expectFailure(await lab.run({ script: ["exit 42"] }), "script_failure", 42);
      await eventually(() => existsSync(lab.path(`cleaned-${job.job.id}`)), "the driver cleans up");
    },
    60_000,
  );

  test.skipIf(isMissing)(title("leaves nothing of a job that was canceled"), async () => {
    await using lab = await openLab(driver);
    const nap = uniqueNap();
    const job = lab.enqueue({
      script: [`setsid sleep ${nap} &`, "echo up", "while sleep 0.2; do echo talking; done"],
      variables: { GIT_STRATEGY: "none" },
    });
    await lab.printed(job, "up\n");
    lab.coordinator.cancel(job);
    expect((await lab.finished(job)).state).toBe("canceled");
    await eventually(() => existsSync(lab.path(`cleaned-${job.id}`)), "the driver cleans up");
    expect(processes().filter(({ commandLine }) => commandLine.includes(nap))).toEqual([]);
  }, 60_000);
});
