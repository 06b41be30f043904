/** Which jobs of `exec` get by with one container. */

import { expect, test } from "bun:test";
import { type Given, prepared } from "./prepared.ts";

async function containers(given: Given): Promise<readonly string[]> {
  const { calls } = await prepared({ oneContainer: true, ...given });
  return calls.flatMap(({ url }) => /\/create\?name=.*-(build|predefined)$/.exec(url)?.[1] ?? []);
}

test("a job of root's whose image does the helper's work has one container", async () => {
  expect(await containers({})).toEqual(["build"]);
  const engine = await prepared({ oneContainer: true });
  expect(engine.created("build")).toMatchObject({
    HostConfig: {
      Mounts: [{ Target: "/builds" }, { Target: "/opt/gitlab-runner-helper", ReadOnly: true }],
    },
  });
});

test.each<[string, Given]>([
  ["another user's", { docker: { user: "1234" } }],
  ["one whose image has an entrypoint", { image: { Entrypoint: ["/start"] } }],
  ["one with a helper image", { docker: { helper_image: "helper:1" } }],
  ["a server's", { oneContainer: false }],
])("two containers has %s", async (_what, given) => {
  expect([...await containers(given)].sort()).toEqual(["build", "predefined"]);
});
