import { expect, test } from "bun:test";
import { z } from "zod";
import {
  ServerJob,
  ServerPipeline,
  ServerProject,
} from "../../../../core/local/replay/server_answers.ts";

const PIPELINE = { id: 1, sha: "a".repeat(40), source: "push" };
const PROJECT = {
  id: 1,
  path_with_namespace: "group/app",
  namespace: { id: 1, kind: "group", full_path: "group" },
};
const JOB = { id: 1, name: "test", pipeline: { id: 1 } };

test("answers of a server may lack what there is not, as a null or altogether", () => {
  const pipeline = ServerPipeline.parse({ ...PIPELINE, name: null, before_sha: null });
  expect([pipeline.name, pipeline.before_sha, pipeline.web_url]).toEqual([
    undefined,
    undefined,
    "",
  ]);
  const job = ServerJob.parse({ ...JOB, user: null, erased_at: null });
  expect([job.user, job.erased_at, job.artifacts]).toEqual([undefined, undefined, []]);
});

test("answers of a server are refused where they would do harm on this machine", () => {
  const refused: readonly (readonly [z.ZodType, object])[] = [
    [ServerPipeline, { ...PIPELINE, sha: "--upload-pack=touch /tmp/x" }],
    [ServerPipeline, { ...PIPELINE, sha: "main" }],
    [ServerPipeline, { ...PIPELINE, before_sha: "-x" }],
    [ServerProject, { ...PROJECT, path_with_namespace: "../../home/app" }],
    [ServerProject, { ...PROJECT, path_with_namespace: "group/../../app" }],
    [ServerProject, { ...PROJECT, path_with_namespace: "/etc/app" }],
    [ServerProject, { ...PROJECT, default_branch: "--output=x" }],
    [ServerJob, { ...JOB, ref: "-x" }],
  ];
  for (const [schema, answer] of refused) {
    expect([JSON.stringify(answer), schema.safeParse(answer).success])
      .toEqual([JSON.stringify(answer), false]);
  }
  const accepted = [[ServerPipeline, PIPELINE], [ServerProject, PROJECT], [
    ServerJob,
    JOB,
  ]] as const;
  expect(accepted.map(([schema, answer]) => schema.safeParse(answer).success))
    .toEqual([true, true, true]);
});
