/** Images of real registries: whose credentials, by which policy, and what is told when it fails. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { JobDescriptionInput } from "../../core/embedded/mod.ts";
import { makeImage } from "../executors/docker/dockerd.ts";
import {
  push,
  pushFrom,
  type Registry,
  REGISTRY_PROGRAM,
  startRegistry,
} from "../executors/docker/images/registry.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectFailure, expectSuccess, type FinishedJob } from "./lab.ts";

const missing = missingForDocker() ??
  (REGISTRY_PROGRAM === undefined ? "docker-registry is not installed" : undefined);
const LIMIT = 60_000;
const LOGIN = { username: "me", password: "pass:w0rd-hunter2" };
const AUTH = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");
const WRONG = Buffer.from(`${LOGIN.username}:wrong`).toString("base64");

describe.skipIf(missing !== undefined)(
  missing ? `images of a registry: NOT RUN, ${missing}` : "images of a registry",
  () => {
    let docker: DockerLab;
    let registry: Registry;
    /** Of the registry with a password. */
    let image: string;
    let home: string;

    beforeAll(async () => {
      registry = await startRegistry(LOGIN);
      docker = await DockerLab.open({
        docker: ['allowed_pull_policies = ["always", "if-not-present", "never"]'],
      });
      const { lab } = docker;
      home = lab.process.env["HOME"] ?? "";
      const { env } = lab.process;
      env["PATH"] = `${lab.path("bin")}:${env["PATH"]}`;
      env["PASSWORD_STORE_DIR"] = lab.path("store");
      env["REGISTRATION_TOKEN"] = "the runner's own";
      mkdirSync(lab.path("bin"));
      const busybox = await makeImage("busybox.sh", docker.host);
      image = await pushFrom(docker.host, busybox, registry, "group/job:1");
      lab.start();
    }, LIMIT);
    afterAll(async () => {
      Bun.spawnSync(["docker", "-H", docker.host, "image", "rm", image]);
      await docker[Symbol.asyncDispose]();
      registry[Symbol.dispose]();
    });
    beforeEach(() => rmSync(join(home, ".docker"), { recursive: true, force: true }));

    /** A job in the guarded image, which its registry is asked for. */
    const pull = (more: JobDescriptionInput | Record<string, unknown> = {}): Promise<FinishedJob> =>
      docker.lab.run({
        image: { name: image, pull_policy: ["always"] },
        script: "echo runs in $(id -un)",
        ...more,
      });

    const config = (auth = AUTH) => JSON.stringify({ auths: { [registry.address]: { auth } } });
    const authConfig = (value: string, more = {}) => ({
      variables: { DOCKER_AUTH_CONFIG: { value, ...more } },
    });
    const credentials = (password = LOGIN.password) => ({
      payload: {
        credentials: [{ type: "registry", url: registry.address, ...LOGIN, password }],
      },
    });
    const writeHome = (settings: object) => {
      mkdirSync(join(home, ".docker"), { recursive: true });
      writeFileSync(join(home, ".docker/config.json"), JSON.stringify(settings));
    };
    /** `$server` is what the helper is asked for. */
    const writeHelper = (name: string, code: string) => {
      const path = docker.lab.path("bin", `docker-credential-${name}`);
      writeFileSync(path, `#!/bin/sh\nread -r server\n${code}\n`);
      chmodSync(path, 0o755);
    };
    const ANSWER =
      `printf '{"ServerURL":"%s","Username":"me","Secret":"${LOGIN.password}"}' "$server"`;

    const expectPulled = (job: FinishedJob, source: string) => {
      expectSuccess(job);
      expect(job.plain).toContain(
        `\nAuthenticating with credentials from ${source}\nPulling docker image ${image} ...\n` +
          "Using docker image sha256:",
      );
      expect(job.plain).toContain("\nruns in root\n");
      expect(job.plain).not.toContain("hunter2");
    };

    test("DOCKER_AUTH_CONFIG of a job logs in, also as a file", async () => {
      expectPulled(await pull(authConfig(config())), "$DOCKER_AUTH_CONFIG");
      expectPulled(await pull(authConfig(config(), { file: true })), "$DOCKER_AUTH_CONFIG");
    }, LIMIT);

    test(
      "DOCKER_AUTH_CONFIG of the configuration logs in, unless the job has its own",
      async () => {
        await using own = await DockerLab.open({
          entry: [`environment = ['DOCKER_AUTH_CONFIG=${config()}']`],
          docker: ['allowed_pull_policies = ["always", "never"]'],
        });
        own.lab.start();
        const pulled = { image: { name: image, pull_policy: ["always"] } };
        const job = { ...pulled, script: "echo runs in $(id -un)" };
        expectPulled(await own.lab.run(job), "$DOCKER_AUTH_CONFIG");
        const wrong = await own.lab.run({ ...job, ...authConfig(config(WRONG)) });
        expectFailure(wrong, "runner_configuration_error");
      },
      LIMIT,
    );

    test(
      "the user's config.json logs in, and the job's payload where nothing else does",
      async () => {
        writeHome(JSON.parse(config()));
        expectPulled(await pull(credentials("wrong")), `${home}/.docker/config.json`);
        writeHome({ auths: { "other.example.com": { auth: WRONG } } });
        expectPulled(await pull(credentials()), "job payload (GitLab Registry)");
      },
      LIMIT,
    );

    test("the longest match wins over an earlier source", async () => {
      writeHome({ auths: { [`${registry.address}/group`]: { auth: AUTH } } });
      expectPulled(await pull(authConfig(config(WRONG))), `${home}/.docker/config.json`);
    }, LIMIT);

    test(
      "a credential helper logs in, and a store that lists the registry or does not",
      async () => {
        writeHelper(
          "one",
          `[ "$1" = get ] && [ "$server" = ${registry.address} ] || exit 3
        [ "$PASSWORD_STORE_DIR" = ${docker.lab.path("store")} ] || exit 4
        [ -z "$REGISTRATION_TOKEN" ] || exit 5
        ${ANSWER}`,
        );
        writeHome({ credHelpers: { [registry.address]: "one" }, credsStore: "missing" });
        expect((await pull()).plain).toContain("there is no such program in PATH");
        writeHome({ credHelpers: { [registry.address]: "one" } });
        expectPulled(await pull(), `${home}/.docker/config.json`);
        const list = `[ "$1" = list ] && echo '{"${registry.address}":"me"}' && exit`;
        writeHelper("lists", `${list}; ${ANSWER}`);
        writeHelper("cannot-list", `[ "$1" = list ] && echo not implemented && exit 1; ${ANSWER}`);
        for (const credsStore of ["lists", "cannot-list"]) {
          expectPulled(
            await pull(authConfig(JSON.stringify({ credsStore }))),
            "$DOCKER_AUTH_CONFIG",
          );
        }
      },
      LIMIT,
    );

    test.each([
      ["fails", "echo vault is sealed >&2; exit 3", "ended with exit code 3: vault is sealed"],
      ["talks", `echo "hello ${LOGIN.password}"`, "is not what Docker's helpers answer"],
      ["dies", "kill -9 $$", "was ended by SIGKILL"],
    ])(
      "a helper that %s is told of, and the next credentials are used",
      async (name, code, why) => {
        writeHelper(name, code);
        writeHome({ credHelpers: { [registry.address]: name } });
        const job = await pull(credentials());
        expectPulled(job, "job payload (GitLab Registry)");
        expect(job.plain).toMatch(
          new RegExp(
            `WARNING: Failed to resolve credentials from ${home}/.docker/config.json: .*${why}`,
          ),
        );
      },
      LIMIT,
    );

    test("a helper without credentials is not worth a word", async () => {
      writeHelper("none", "echo credentials not found in native keychain; exit 1");
      writeHome({ credHelpers: { [registry.address]: "none" } });
      const job = await pull(credentials());
      expectPulled(job, "job payload (GitLab Registry)");
      expect(job.plain).not.toContain("WARNING");
    }, LIMIT);

    test("broken JSON is told of, and the next credentials are used", async () => {
      const job = await pull({ ...authConfig(`${config()},`), ...credentials() });
      expectPulled(job, "job payload (GitLab Registry)");
      expect(job.plain).toContain(
        "WARNING: Failed to resolve credentials from $DOCKER_AUTH_CONFIG: it is not JSON in the form",
      );
    }, LIMIT);

    test("a wrong password and none are the job's fault, in the registry's words", async () => {
      for (const given of [credentials("wrong"), {}]) {
        const job = await pull(given);
        expectFailure(job, "runner_configuration_error");
        expect(job.plain).toMatch(
          /WARNING: Failed to pull image with policy "always": Error response from daemon: .*(?:unauthorized|no basic auth)/,
        );
        expect(job.plain).toContain(
          `ERROR: Job failed: failed to pull image "${image}" with specified policies [always]: `,
        );
      }
    }, LIMIT);

    test(
      "a list of policies falls back, and an image that is there needs no registry",
      async () => {
        expectSuccess(await pull(credentials()));
        const policies = ["always", "if-not-present"];
        const job = await pull({ image: { name: image, pull_policy: policies } });
        expectSuccess(job);
        expect(job.plain).toMatch(
          /\nAttempt #2: Trying "if-not-present" pull policy\nUsing locally/,
        );
        const [, digest] = /with digest (\S+) /.exec(job.plain) ?? [];
        const fixed = await pull({ image: { name: digest, pull_policy: ["if-not-present"] } });
        expectSuccess(fixed);
        expect(fixed.plain).not.toContain("Pulling");
      },
      LIMIT,
    );

    test("a job without credentials gets no image that others pull at the same time", async () => {
      await using own = await DockerLab.open({
        requestConcurrency: 3,
        docker: ['allowed_pull_policies = ["always", "never"]'],
      });
      own.lab.start();
      const pulled = { image: { name: image, pull_policy: ["always"] } };
      const job = { ...pulled, script: "echo runs in $(id -un)" };
      const jobs = [credentials(), {}, credentials()].map((more) =>
        own.lab.enqueue({ ...job, ...more })
      );
      const [one, none, other] = await Promise.all(jobs.map((each) => own.lab.finished(each)));
      expectPulled(one!, "job payload (GitLab Registry)");
      expectPulled(other!, "job payload (GitLab Registry)");
      expectFailure(none!, "runner_configuration_error");
      expect(none!.plain).toContain("no basic auth credentials");
    }, LIMIT);

    test("an image for other machines is told of", async () => {
      const { image: name, id } = await push(registry, "group/foreign:1", "x", "s390x");
      const job = await pull({ image: { name, pull_policy: ["always"] }, ...credentials() });
      expect(job.plain).toMatch(
        new RegExp(`\nWARNING: Image ${name} may not run: it is for linux/s390x, and the engine's`),
      );
      Bun.spawnSync(["docker", "-H", docker.host, "image", "rm", "-f", id]);
    }, LIMIT);

    test("a policy that is not allowed and an image that is not there are refused", async () => {
      const refused = await pull({ image: { name: image, pull_policy: ["sometimes"] } });
      expectFailure(refused, "runner_configuration_error");
      expect(refused.plain).toContain(
        `ERROR: Job failed: invalid pull policy for image "${image}": pull_policy ([sometimes]) ` +
          "defined in GitLab pipeline config is not one of the allowed_pull_policies " +
          "([always if-not-present never])",
      );
      const name = `${registry.address}/group/nothing:1`;
      const never = await pull({ image: { name, pull_policy: ["never"] } });
      // GitLab does not take image_pull_failure from a runner.
      expectFailure(never, "runner_system_failure");
      expect(never.plain).toContain(`Error response from daemon: No such image: ${name}`);
      const absent = await pull({ image: { name, pull_policy: ["always"] }, ...credentials() });
      expectFailure(absent, "runner_configuration_error");
      expect(absent.plain).toContain("manifest unknown");
    }, LIMIT);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `what jobs may ask for: NOT RUN, ${missing}` : "what jobs may ask for",
  () => {
    let docker: DockerLab;
    let busybox: string;
    beforeAll(async () => {
      docker = await DockerLab.open({
        docker: [
          'allowed_images = ["runner-test/*:*", "$ANY"]',
          'allowed_services = ["{postgres,mysql}:*"]',
          'allowed_users = ["nobody", "1000"]',
        ],
      });
      busybox = await makeImage("busybox.sh", docker.host);
      docker.lab.start();
    }, LIMIT);
    afterAll(async () => await docker[Symbol.asyncDispose]());

    /** A job that could set any variable in a pattern. */
    const run = (more: object): Promise<FinishedJob> =>
      docker.lab.run({ script: "id -u", variables: { ANY: "**" }, ...more });

    test("images and services that no pattern as it stands matches are refused", async () => {
      const image = await run({ image: { name: "debian:12" } });
      expectFailure(image, "runner_configuration_error");
      expect(image.plain).toContain(
        'ERROR: The "debian:12" image is not present on list of allowed images:\n' +
          "- runner-test/*:*\n- $ANY\n\nPlease check runner's allowed_images configuration: ",
      );
      expect(image.plain).toContain('\nERROR: Job failed: disallowed image "debian:12"\n');
      const service = await run({ image: { name: busybox }, services: [{ name: busybox }] });
      expectFailure(service, "runner_configuration_error");
      expect(service.plain).toContain(
        `"${busybox}" image is not present on list of allowed services`,
      );
      expectSuccess(await run({ image: { name: busybox } }));
      expectSuccess(await run({}));
    }, LIMIT);

    test("users that are not listed are refused", async () => {
      const as = (user: string) =>
        run({ image: { name: busybox, executor_opts: { docker: { user } } } });
      for (const user of ["root", "0", "nobody:root"]) {
        const job = await as(user);
        expectFailure(job, "runner_configuration_error");
        expect(job.plain).toContain(
          `ERROR: Job failed: user "${user}" is not an allowed user: [nobody 1000]`,
        );
      }
      const allowed = await as("1000");
      expectSuccess(allowed);
      expect(allowed.plain).toContain("\n1000\n");
    }, LIMIT);
  },
);
