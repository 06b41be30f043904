/** Keywords of jobs in containers: read from YAML, run by the executable. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  makeImage,
  missingForDocker,
  type TestEngine,
  useEngine,
} from "../executors/docker/dockerd.ts";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";
import { removeVolumes } from "./exec_volumes.ts";

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
      command:
        - sh
        - -c
        - mkdir /w && env > /w/env && cp /etc/group /w && exec httpd -f -p 8000 -h /w
      variables: { ONLY: service }
  script:
    - id -un
    - until wget -q -O served http://$FAR:8000/group; do sleep 0.1; done
    - cat served
    - echo "\${ONLY:-none}"
    - wget -q -O env http://$FAR:8000/env
    - grep -E '^(ONLY|FAR|GIVEN|CI_JOB_TOKEN)=' env | sort
    - echo "$GIVEN"
`,
    });
    lab.env["DOCKER_HOST"] = daemon.host;
    const { code, events } = await lab.events("--variable", "GIVEN=by hand");
    const served = ["FAR=web", "ONLY=service"];
    expect(outputOf(events, "job"))
      .toEqual(["nobody", "root:x:0:", "none", ...served, "by hand"]);
    expect(ofType(events, "job.started")).toMatchObject([{ executor: "docker", image }]);
    expect(code).toBe(0);
    removeVolumes(lab);
  }, 60_000);

  test("exec says what an image lacks to get sources, and which image would do", async () => {
    using lab = new ExecLab({ ".gitlab-ci.yml": `job: {image: "${image}", script: [ls]}\n` });
    lab.env["DOCKER_HOST"] = daemon.host;
    const { code, stdout } = await lab.run("--pull-policy", "never");
    expect(stdout).toContain(
      `No helper_image is configured, and the job's own image "${image}" has no git. ` +
        'Make a helper image with "runner helper-image build"',
    );
    expect(code).toBe(1);
    removeVolumes(lab);
  }, 60_000);

  test("exec moves sources, cache and artifacts in the one container of a job", async () => {
    using lab = new ExecLab({
      ".gitlab-ci.yml": `
default: {image: "${await makeImage("git.sh", daemon.host)}"}
stages: [one, two]
make:
  stage: one
  cache: { key: k, paths: [vendor] }
  artifacts: { paths: [out] }
  script:
    - cat new.txt && mkdir -p vendor out && echo c > vendor/c && echo a > out/a
    - sleep 1000 & true
use:
  stage: two
  cache: { key: k, paths: [vendor], policy: pull }
  script: [cat out/a vendor/c, ls]
`,
    });
    lab.env["DOCKER_HOST"] = daemon.host;
    lab.write({ "new.txt": "new\n" });
    const { code, events } = await lab.events();
    expect(outputOf(events, "make")[0]).toBe("new");
    expect(outputOf(events, "use")).toEqual(["a", "c", "new.txt", "out", "vendor"]);
    expect(code).toBe(0);
    removeVolumes(lab);
  }, 60_000);
}
