import { expect, test } from "bun:test";
import { connectEngine } from "../../../../executors/docker/engine/mod.ts";
import { HelperVolume } from "../../../../executors/docker/helper/mod.ts";
import { Ownership } from "../../../../executors/docker/ownership.ts";
import { RecordingEngine } from "../recording_engine.ts";

const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;

test("HelperVolume removes what versions of long ago have left, and nothing younger", async () => {
  await using recorded = new RecordingEngine({ apiVersion: "1.41" });
  await using engine = connectEngine({ host: recorded.host, env: {} });
  const at = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
  recorded.volumes.push(
    { Name: "runner-helper-old", CreatedAt: at(2) },
    { Name: "runner-helper-new", CreatedAt: at(0.5) },
    { Name: "runner-helper-unknown" },
  );
  const info = await engine.info({ signal: NEVER });
  const ownership = new Ownership({
    systemId: "s_1",
    instance: "1",
    stateDir: "/nowhere",
    hostname: "here",
  }, new Set());
  await using volume = new HelperVolume({ path: "/bin/sh", ownership });
  const mount = await volume.mount(engine, info, { signal: NEVER });
  await volume.fill(engine, mount, { container: "1", image: "sha256:1", signal: NEVER });
  const asked = recorded.calls.map(({ method, url }) =>
    `${method} ${url.replace(/^\/v[\d.]+/, "")}`
  );
  expect(asked.filter((call) => call.startsWith("DELETE /volumes"))).toEqual([
    "DELETE /volumes/runner-helper-old",
  ]);
  const listed = recorded.calls.find(({ url }) => /\/volumes\?/.test(url))?.url ?? "";
  expect(decodeURIComponent(listed)).toContain("com.gitlab.gitlab-runner.type=helper-volume");
});
