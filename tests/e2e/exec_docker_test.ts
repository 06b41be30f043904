/** Keywords of jobs in containers: read from YAML, run by the executable. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  makeImage,
  missingForDocker,
  type TestEngine,
  useEngine,
} from "../executors/docker/dockerd.ts";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";

const missing = missingForDocker();

if (missing === undefined) describe("exec in containers", suite);
else test.skip(`exec in containers: NOT RUN, ${missing}`, () => {});

function suite(): void {
  let daemon: TestEngine;
  let image: string;

  beforeAll(async () => {
    daemon = await useEngine();
    image = await makeImage("busybox.sh", daemon.host);
  }, 60_000);
  afterAll(async () => await daemon?.[Symbol.asyncDispose]());

  test("exec runs an image and its services as the job says", async () => {
    const [name, tag] = image.split(":");
    using lab = new ExecLab({
      ".gitlab-ci.yml": `
job:
  variables: { GIT_STRATEGY: none, TAG: "${tag}", FAR: web }
  image:
    name: "${name}:$TAG"
    entrypoint: [""]
    pull_policy: never
    docker: { user: nobody }
  services:
    - name: "${name}:$TAG"
      alias: web
      pull_policy: never
      entrypoint: [busybox]
      command: [httpd, -f, -p, "8000", -h, /etc]
      variables: { ONLY: service }
  script:
    - id -un
    - until wget -q -O served http://$FAR:8000/group; do sleep 0.1; done
    - cat served
    - echo "\${ONLY:-none}"
`,
    });
    lab.env["DOCKER_HOST"] = daemon.host;
    const { code, events } = await lab.events();
    expect(outputOf(events, "job")).toEqual(["nobody", "root:x:0:", "none"]);
    expect(ofType(events, "job.started")).toMatchObject([{ executor: "docker", image }]);
    expect(code).toBe(0);
  }, 60_000);
}
