import { expect, test } from "bun:test";
import type { ListedContainer } from "../../../../executors/docker/engine/mod.ts";
import { removeUnstarted } from "../../../../executors/docker/helper_image/unstarted.ts";

const HOUR_MS = 3_600_000;
const own = () => `helper-image-${crypto.randomUUID()}`;

async function removed(found: Partial<ListedContainer>): Promise<boolean> {
  const ids: string[] = [];
  const container = {
    id: "found",
    name: own(),
    labels: {},
    state: "created",
    createdAtMs: Date.now() - 2 * HOUR_MS,
    ...found,
  };
  const engine = {
    listContainers: async (filter: object) => {
      expect(filter).toEqual({
        labels: { "com.gitlab.gitlab-runner.type": "helper-image" },
        all: true,
      });
      return [container];
    },
    removeContainer: async (id: string) => void ids.push(id),
  };
  await removeUnstarted({ engine, signal: new AbortController().signal });
  return ids.length > 0;
}

test("removeUnstarted takes away what a build has made long ago and never started", async () => {
  expect(await removed({})).toBe(true);
});

test.each<[string, Partial<ListedContainer>]>([
  ["a build at work", { state: "running" }],
  ["a build that has just begun", { createdAtMs: Date.now() - HOUR_MS / 2 }],
  ["a container that somebody made of a helper image", { name: "helper-image-mine" }],
  ["one whose age the engine does not tell", { createdAtMs: NaN }],
])("removeUnstarted leaves %s alone", async (_what, found) => {
  expect(await removed(found)).toBe(false);
});
