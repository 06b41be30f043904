/** A driver for the custom executor that runs each job in a sandbox, written as gitlab-runner's are. */

import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { eventually, expectFailure, expectSuccess, Lab } from "./lab.ts";
import { EXECUTABLE } from "./runner_process.ts";

const CONFIG = `cat <<END
{"driver":{"name":"bwrap driver","version":"v0.1"},"builds_dir":"/builds","cache_dir":"/cache",
 "builds_dir_is_shared":false,"hostname":"sandbox",
 "job_env":{"ROOT":"$WHERE/$CUSTOM_ENV_CI_JOB_ID"}}
END`;
const PREPARE = `mkdir -p "$ROOT/builds" "$ROOT/cache"
echo "image $CUSTOM_ENV_CI_JOB_IMAGE, services $CUSTOM_ENV_CI_JOB_SERVICES"`;
const RUN = `script=$(cat "$1"); echo "$2" >> "$WHERE/stages"
printf '%s' "$script" | bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \\
  --symlink usr/lib64 /lib64 --symlink usr/sbin /sbin --ro-bind /etc /etc --proc /proc --dev /dev \\
  --tmpfs /tmp --bind "$ROOT/builds" /builds --bind "$ROOT/cache" /cache \\
  --ro-bind "$PROGRAM" /opt/gitlab-runner --unshare-pid --die-with-parent --clearenv \\
  --setenv PATH /opt:/usr/bin:/bin --setenv HOME /tmp bash
code=$?
[ $code = 0 ] && exit 0
echo $code > "$BUILD_EXIT_CODE_FILE"
exit $BUILD_FAILURE_EXIT_CODE`;
const CLEANUP = `rm -rf "$ROOT"; touch "$WHERE/cleaned-$CUSTOM_ENV_CI_JOB_ID"`;

test.skipIf(Bun.which("bwrap") === null)(
  "a driver with bwrap runs jobs from sources to artifacts, and says how they end (needs bwrap)",
  async () => {
    await using lab = await Lab.open();
    const program = (name: string, body: string) => {
      const path = lab.path(name);
      const head = `#!/bin/bash\nWHERE=${lab.path(".")} PROGRAM=${EXECUTABLE}\n`;
      writeFileSync(path, `${head}${body}\n`, { mode: 0o755 });
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
        `prepare_exec = "${program("prepare", PREPARE)}"`,
        `run_exec = "${program("run", RUN)}"`,
        `cleanup_exec = "${program("cleanup", CLEANUP)}"`,
      ],
    }]);
    lab.start();
    const job = await lab.run({
      repository: lab.repositories.app,
      image: "debian:12",
      script: ["cat README.md", `[ ! -e ${lab.path("config.toml")} ]`, "echo made > made.txt"],
      artifacts: [{ name: "default", paths: ["made.txt"] }],
    });
    expectSuccess(job);
    expect(job.plain).toContain("Using Custom executor with driver bwrap driver v0.1...");
    expect(job.plain).toContain("image debian:12, services []");
    expect(job.plain).toContain("made.txt: found 1 matching artifact files and directories");
    expectFailure(await lab.run({ script: ["exit 42"] }), "script_failure", 42);
    await eventually(() => existsSync(lab.path(`cleaned-${job.job.id}`)), "the driver cleans up");
    expect(existsSync(lab.path(String(job.job.id)))).toBe(false);
  },
  60_000,
);
