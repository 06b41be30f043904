/** The image that takes over where a job's own cannot do a helper's work. */

import { expect, test } from "bun:test";
import type { JobContainer } from "../../../executors/docker/container.ts";
import { JobHelper, type JobHelperOptions } from "../../../executors/docker/job_helper.ts";

const image = (id: string) => ({ id, labels: {} });

/** A helper of a job whose image has no git, before its first stage. */
async function helperWithoutGit(ensure: JobHelperOptions["ensure"]): Promise<JobHelper> {
  const container = {
    create: async () => "made",
    start: async () => {},
    abandon: async () => {},
    ask: async () => ({ code: 0, text: "git" }),
  };
  const options = {
    link: {
      engine: { removeContainer: async () => {} },
      executable: { mount: async () => ({ mount: {} }), fill: async () => {} },
      usableHelpers: new Set<string>(),
      helpless: new Set<string>(),
    },
    facts: { image: "alpine:3", docker: { helper_image_flavor: "" } },
    info: { architecture: "x86_64" },
    log: { print() {} },
    ensure,
    make: () => container as unknown as JobContainer,
  } as unknown as JobHelperOptions;
  const { signal } = new AbortController();
  const helper = await JobHelper.open(options, undefined, image("own") as never, { signal });
  await helper.create(signal);
  return helper;
}

test("JobHelper.judge fetches GitLab's image for as long as the stage that needs it may go on", async () => {
  const signals: AbortSignal[] = [];
  const helper = await helperWithoutGit(async (_wanted, signal) => {
    signals.push(signal);
    return image("gitlab's") as never;
  });
  const stage = new AbortController();
  expect(await helper.judge(stage.signal)).toBe("replaced");
  expect(signals).toEqual([stage.signal]);
  expect(helper.isJobImage).toBe(false);
});

test("JobHelper.judge ends with its stage and not with what is missing", async () => {
  const stage = new AbortController();
  const canceled = new Error("canceled");
  const helper = await helperWithoutGit((_wanted, signal) => {
    stage.abort(canceled);
    return Promise.reject(signal.reason);
  });
  await expect(helper.judge(stage.signal)).rejects.toBe(canceled);
});
