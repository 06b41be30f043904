/** What the runner says of itself while it has jobs in containers. */

import { describe, expect, test } from "bun:test";

import { freePort } from "../fixtures/free_port.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { eventually, expectSuccess, output } from "./lab.ts";

const missing = missingForDocker();

describe.skipIf(missing !== undefined)(
  missing ? `metrics of docker jobs: NOT RUN, ${missing}` : "metrics of docker jobs",
  () => {
    test("a running job is listed with what its executor is doing", async () => {
      const address = `127.0.0.1:${freePort()}`;
      await using docker = await DockerLab.open({ globals: [`listen_address = "${address}"`] });
      docker.lab.start();
      const job = docker.lab.enqueue({
        script: ["until [ -e /builds/go ]; do sleep 0.1; done"],
        services: [{
          name: docker.image,
          entrypoint: ["sh", "-c"],
          command: ["until [ -e /builds/go ]; do sleep 0.1; done; rm /builds/go; nc -l -p 8080"],
          variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "8080" }],
        }],
        variables: { GIT_STRATEGY: "none" },
      });
      const list = async () => await (await fetch(`http://${address}/debug/jobs/list`)).text();
      const go = async (suffix: string) => {
        const label = `label=com.gitlab.gitlab-runner.job.id=${job.id}`;
        const format = ["--filter", label, "--format", "{{.Names}}"];
        const env = { DOCKER_HOST: docker.host };
        const names = (await output(["docker", "ps", ...format], { env })).split("\n");
        const name = names.find((each) => each.endsWith(suffix)) ?? "";
        await output(["docker", "exec", name, "touch", "/builds/go"], { env });
      };
      await docker.lab.printed(job, "Waiting for services");
      expect(await list()).toContain(
        "state=running stage=prepare_executor executor_stage=docker_creating_services ",
      );
      await eventually(() => go("-predefined").then(() => true, () => false), "the service");
      await docker.lab.printed(job, "until [");
      expect(await list()).toContain("state=running stage=step_script executor_stage=docker_run ");
      await eventually(() => go("-build").then(() => true, () => false), "the script");
      expectSuccess(await docker.lab.finished(job));
    }, 60_000);
  },
);
