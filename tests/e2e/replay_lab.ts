/** A coordinator whose pipelines have run, and a repository beside it to run their jobs again from. */

import type { EmbeddedJob, JobDescriptionInput } from "../../core/embedded/mod.ts";
import { ExecLab, ofType } from "./exec_lab.ts";
import { expectSuccess, Lab, type LabOptions } from "./lab.ts";

const PIPELINE = `
stages: [build, test]
variables: { LEVEL: global }
build:
  stage: build
  script: [mkdir out, echo built by $CI_JOB_ID > out/made.txt, echo FROM_BUILD=dotenv > build.env]
  artifacts: { paths: [out], reports: { dotenv: build.env } }
test:
  stage: test
  parallel: { matrix: [{ OS: [linux, mac] }] }
  variables: { LEVEL: job }
  script:
    - cat out/made.txt
    - echo $OS $LEVEL $FROM_BUILD $CI_COMMIT_SHA $CI_PIPELINE_ID $CI_JOB_ID
    - echo "[$PLAIN] [$GROUP] [$GIVEN] [$PROTECTED] [$SECRET]"
    - cat README.md
late:
  stage: test
  when: delayed
  start_in: 1 hour
  environment: production
  script: [echo at once, 'echo "[$SCOPED]"']
ruled:
  stage: test
  rules: [{ if: $NOBODY_SET_IT }]
  script: exit 0
`;

export interface ReplayLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly sha: string;
  /** In a repository of its own, which does not have the commit. */
  readonly exec: ExecLab;
  /** Runs a job of the pipeline through `runner run`. */
  run(description: Partial<JobDescriptionInput>): Promise<EmbeddedJob>;
  urlOf(job: EmbeddedJob): string;
}

export async function openReplayLab(options: LabOptions = {}): Promise<ReplayLab> {
  const lab = (await Lab.open(options)).start();
  const sha = await lab.repositories.commit("refs/heads/topic", { ".gitlab-ci.yml": PIPELINE });
  const exec = new ExecLab({ "other.txt": "another repository\n" });
  return {
    lab,
    sha,
    exec,
    run: async (description) => {
      const repository = { path: "group/app", sha, ref: "topic" };
      const job = await lab.run({ script: "true", pipeline: 7, repository, ...description });
      expectSuccess(job);
      return job.job;
    },
    urlOf: (job) => `${lab.coordinator.url}/group/app/-/jobs/${job.id}`,
    async [Symbol.asyncDispose]() {
      exec[Symbol.dispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

/** What `runner run` runs as the job `build` of the pipeline. */
export const BUILD: JobDescriptionInput = {
  name: "build",
  stage: "build",
  script:
    "mkdir out && echo built on the server > out/made.txt && echo FROM_BUILD=dotenv > build.env",
  artifacts: [
    { name: "artifacts", paths: ["out"], artifact_type: "archive", artifact_format: "zip" },
    { name: "report", paths: ["build.env"], artifact_type: "dotenv", artifact_format: "gzip" },
  ],
};

/** What a run has named as not to be had. */
export function missing(events: Parameters<typeof ofType>[0]): string[] {
  const intro = "not to be had from the server: ";
  return ofType(events, "warning").map(({ message }) => message)
    .filter((message) => message.startsWith(intro)).map((message) => message.slice(intro.length));
}
