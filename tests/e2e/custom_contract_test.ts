/** What drivers of the custom executor may rely on, by GitLab's page on it, sentence by sentence. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { useCustom } from "./custom_lab.ts";
import { eventually, expectFailure, expectSuccess, type FinishedJob, Lab } from "./lab.ts";
import { EXECUTABLE } from "./runner_process.ts";

const LIMIT = 60_000;

/** Bash programs by the stage that they serve. */
interface Programs {
  readonly config?: string;
  readonly prepare?: string;
  readonly run?: string;
  readonly cleanup?: string;
}

describe("drivers of the custom executor", () => {
  let lab: Lab;
  beforeEach(async () =>
    void (lab = await Lab.open({
      env: { OF_THE_HOST: "seen", SSL_CERT_FILE: "/etc/ssl/certs.pem", BUN_OPTIONS: "--smol" },
    }))
  );
  afterEach(async () => await lab[Symbol.asyncDispose]());

  const RUN = 'bash "$3"; [ $? = 0 ] || exit "$BUILD_FAILURE_EXIT_CODE"';
  const START = "#!/bin/bash\n";

  /** Every program first keeps its arguments and its environment, then does as it is told. */
  function start(programs: Programs, lines: readonly string[] = []): void {
    const dir = lab.path("kept");
    mkdirSync(dir);
    const all = { config: "", prepare: "", run: RUN, cleanup: "", ...programs };
    const keys = Object.entries(all).flatMap(([name, body]) => {
      const path = lab.path(name);
      const keep = `echo "${name}\${4:+ $4}" >> ${dir}/calls\n` +
        `[ -e ${dir}/${name}.env ] || { env -0 > ${dir}/${name}.env; pwd > ${dir}/${name}.pwd
cp "$JOB_RESPONSE_FILE" ${dir}/${name}.json; }\n`;
      writeFileSync(path, `${START}PATH=${lab.path("bin")}:$PATH\n${keep}${body}\n`, {
        mode: 0o755,
      });
      return [`${name}_exec = "${path}"`, `${name}_args = ["one", "two words"]`];
    });
    mkdirSync(lab.path("bin"));
    writeFileSync(lab.path("bin/gitlab-runner"), `#!/bin/sh\nexec ${EXECUTABLE} "$@"\n`, {
      mode: 0o755,
    });
    useCustom(lab, [...keys, ...lines]);
    lab.start();
  }

  const calls = () => readFileSync(lab.path("kept/calls"), "utf8").trim().split("\n");
  const called = (name: string) => calls().filter((call) => call === name).length;
  const kept = (name: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      readFileSync(lab.path(`kept/${name}.env`), "utf8").split("\0").map((entry) => {
        const at = entry.indexOf("=");
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
    );
  const cleaned = async (job: FinishedJob, times = 1): Promise<FinishedJob> => {
    await eventually(() => called("cleanup") === times, `cleanup_exec was called ${times} times`);
    return job;
  };

  test(
    "find the job in their environment, the host's around it, and what config_exec answers",
    async () => {
      start({
        config: `cat <<END
{"driver":{"version":"v9"},"job_env":{"MINE":"1","TMPDIR":"/var/tmp",
 "CUSTOM_ENV_CI_JOB_NAME":"not this"},"unknown":{"keys":["are",{"ignored":true}]}}
END`,
      });
      const job = await cleaned(
        await lab.run({
          name: "unit",
          script: ["true"],
          services: [
            "redis:latest",
            {
              name: "my-postgres:9.4",
              alias: "pg, db",
              entrypoint: ["path", "to", "entrypoint"],
              command: ["path", "to", "cmd"],
            },
          ],
          variables: { GIT_STRATEGY: "none", PLAIN: "a  'b' $PLAIN2", PLAIN2: "c" },
        }),
      );
      expectSuccess(job);
      expect(job.lines).toContain("Using Custom executor...");
      for (const name of ["config", "prepare", "run", "cleanup"]) {
        const env = kept(name);
        expect(env["OF_THE_HOST"]).toBe("seen");
        expect(env["SSL_CERT_FILE"]).toBe("/etc/ssl/certs.pem");
        expect(env["BUN_OPTIONS"]).toBeUndefined();
        expect(env["CUSTOM_ENV_CI_JOB_NAME"]).toBe("unit");
        expect(env["CUSTOM_ENV_CI_JOB_ID"]).toBe(String(job.job.id));
        expect(env["CUSTOM_ENV_CI_BUILDS_DIR"]).toBe(lab.path("builds"));
        expect(env["CUSTOM_ENV_PLAIN"]).toBe("a  'b' c");
        expect(env["CUSTOM_ENV_CI_CONCURRENT_PROJECT_ID"]).toBe("0");
        expect(env["CI_JOB_NAME"]).toBeUndefined();
        expect(JSON.parse(env["CUSTOM_ENV_CI_JOB_SERVICES"] ?? "")).toEqual([
          { name: "redis:latest", alias: "", entrypoint: null, command: null },
          {
            name: "my-postgres:9.4",
            alias: "pg",
            entrypoint: ["path", "to", "entrypoint"],
            command: ["path", "to", "cmd"],
          },
        ]);
        expect(JSON.parse(readFileSync(lab.path(`kept/${name}.json`), "utf8")).id).toBe(job.job.id);
        const isAfterConfig = name !== "config";
        expect(env["MINE"]).toBe(isAfterConfig ? "1" : undefined);
        const pwd = readFileSync(lab.path(`kept/${name}.pwd`), "utf8").trim();
        expect(pwd).toMatch(/custom-executor\w+$/);
        expect(env["TMPDIR"]).toBe(isAfterConfig ? "/var/tmp" : pwd);
        await eventually(() => !existsSync(pwd), "the job's directory is gone");
      }
    },
    LIMIT,
  );

  test("get the text of a file variable, and no services where the job has none", async () => {
    start({});
    const text = "-----BEGIN THING-----\nx = 'y'\n";
    const job = lab.enqueue({
      script: ['cat "$THING"'],
      variables: { THING: { value: text, file: true } },
    });
    const finished = await cleaned(await lab.finished(job));
    expectSuccess(finished);
    expect(finished.plain).toContain(text);
    expect(kept("prepare")["CUSTOM_ENV_THING"]).toBe(text);
    expect(kept("prepare")["CUSTOM_ENV_CI_JOB_SERVICES"]).toBe("");
  }, LIMIT);

  test.each([
    ["good", "true", "success"],
    ["failed", "false", "failure"],
  ])("run the stages of a %s job in their order", async (_what, command, end) => {
    start({});
    const job = await cleaned(
      await lab.run({
        repository: lab.repositories.app,
        script: ["date > made.txt", command],
        afterScript: ["true"],
        cache: [{ key: "made", paths: ["made.txt"], when: "always" }],
        artifacts: [{ name: "default", paths: ["made.txt"], when: "always" }],
      }),
    );
    expect(job.state).toBe(end === "success" ? "success" : "failed");
    const cacheStage = end === "success" ? "archive_cache" : "archive_cache_on_failure";
    expect(calls().filter((call) => call !== "run cleanup_file_variables")).toEqual([
      "config",
      "prepare",
      "run prepare_script",
      "run get_sources",
      "run restore_cache",
      "run build_script",
      "run after_script",
      `run ${cacheStage}`,
      `run upload_artifacts_on_${end}`,
      "cleanup",
    ]);
    expect(readFileSync(lab.path("kept/run.env"), "latin1")).not.toContain("BASH_FUNC");
  }, LIMIT);

  test("that blame the job in config_exec or prepare_exec fail it at once", async () => {
    start({
      config: '[ "$CUSTOM_ENV_CI_JOB_NAME" != config ] || exit "$BUILD_FAILURE_EXIT_CODE"',
      prepare: 'echo no such image >&2; exit "$BUILD_FAILURE_EXIT_CODE"',
    });
    for (const [times, name] of ["config", "prepare"].entries()) {
      const job = await cleaned(await lab.run({ name, script: ["true"] }), times + 1);
      expectFailure(job, "script_failure");
      expect(job.plain).toMatch(/^ERROR: Job failed.*: exit status 1$/m);
      expect(job.plain).not.toContain("Preparation failed");
    }
    expect(called("config")).toBe(2);
    expect(called("prepare")).toBe(1);
  }, LIMIT);

  test.each([
    ["fail", 'exit "$SYSTEM_FAILURE_EXIT_CODE"', "exit status 2"],
    ["answer no JSON", "echo '{'", "The output of config_exec is no JSON"],
    [
      "are killed",
      "kill -KILL $$",
      "unknown Custom executor executable exit code -1; executable execution terminated with: " +
      "signal: killed",
    ],
  ])(
    "that %s in config_exec are tried three times, and cleaned up after each",
    async (_what, config, why) => {
      start({ config });
      const job = await cleaned(await lab.run({ script: ["true"] }), 3);
      expectFailure(job, "runner_system_failure");
      expect(job.plain.split(`ERROR: Preparation failed: ${why}`)).toHaveLength(3);
      expect(job.plain).toContain(`ERROR: Job failed (system failure): ${why}`);
      expect(called("config")).toBe(3);
      expect(called("prepare")).toBe(0);
    },
    LIMIT,
  );

  test(
    "that fail for their own reasons in a stage fail the job, and stages that may be are tried again",
    async () => {
      start({
        run: `case "$4-$CUSTOM_ENV_CI_JOB_NAME" in
get_sources-again) [ -e ${lab.path("once")} ] || { touch ${lab.path("once")}
  exit $SYSTEM_FAILURE_EXIT_CODE; } ;;
build_script-own) exit 2 ;;
build_script-other) exit 77 ;;
esac
${RUN}`,
      });
      const repository = lab.repositories.app;
      const again = await lab.run({
        name: "again",
        repository,
        script: ["true"],
        variables: { GET_SOURCES_ATTEMPTS: "2" },
      });
      expectSuccess(again);
      expect(called("run get_sources")).toBe(2);
      const own = await lab.run({ name: "own", repository, script: ["true"] });
      expectFailure(own, "runner_system_failure");
      expect(own.lines).toContain("ERROR: Job failed (system failure): exit status 2");
      const other = await lab.run({ name: "other", repository, script: ["true"] });
      expectFailure(other, "runner_system_failure");
      expect(other.plain).toContain("unknown Custom executor executable exit code 77");
    },
    LIMIT,
  );

  test("that cannot clean up change nothing, and are heard in the runner's log", async () => {
    start({ cleanup: "echo was here; echo went wrong >&2; exit 1" });
    const job = await cleaned(await lab.run({ script: ["true"] }));
    expectSuccess(job);
    await eventually(() => lab.process.log.includes("Cleanup script failed"), "the warning");
    expect(lab.process.log).toMatch(/WARNING: went wrong/);
    expect(lab.process.log).not.toContain("WARNING: was here");
    expect(job.plain).not.toContain("went wrong");
  }, LIMIT);

  test("made for virtual machines, with a file for what they share, run as they are", async () => {
    const machines = lab.path("machines");
    mkdirSync(machines);
    const base = lab.path("base.sh");
    // Stands for virsh, qemu-img and ssh.
    writeFileSync(
      base,
      `VM_ID="runner-$CUSTOM_ENV_CI_RUNNER_ID-project-$CUSTOM_ENV_CI_PROJECT_ID-concurrent-` +
        `$CUSTOM_ENV_CI_CONCURRENT_PROJECT_ID-job-$CUSTOM_ENV_CI_JOB_ID"
create() { echo 10.0.0.1 > "${machines}/$VM_ID"; }
address() { cat "${machines}/$VM_ID"; }
enter() { [ "$1" = "gitlab-runner@10.0.0.1" ] && "$2"; }
destroy() { rm "${machines}/$VM_ID"; }
`,
    );
    const head = `source ${base}\n`;
    start({
      prepare: `${head}set -eo pipefail
trap "exit $SYSTEM_FAILURE_EXIT_CODE" ERR
create
for i in $(seq 1 30); do
  VM_IP=$(address)
  if [ -n "$VM_IP" ]; then echo "VM got IP: $VM_IP"; break; fi
  sleep 1s
done`,
      run: `${head}VM_IP=$(address)
enter gitlab-runner@"$VM_IP" /bin/bash < "\${3}"
if [ $? -ne 0 ]; then exit "$BUILD_FAILURE_EXIT_CODE"; fi`,
      cleanup: `${head}set -eo pipefail\ndestroy`,
    });
    const job = await lab.run({ repository: lab.repositories.app, script: ["cat README.md"] });
    expectSuccess(await cleaned(job));
    expect(job.lines).toContain("VM got IP: 10.0.0.1");
    expectFailure(await cleaned(await lab.run({ script: ["exit 3"] }), 2), "script_failure", 1);
    expect(lab.process.log).not.toContain("Cleanup script failed");
  }, LIMIT);
});
