import { expect, test } from "bun:test";
import { PluginRunner } from "../../../core/plugin/protocol.ts";
import { customPlugin } from "../../../plugins/custom/main.ts";

test("customPlugin() says that its clean-up takes as long as cleanup_exec and its end may", async () => {
  const runner = PluginRunner.parse({
    name: "drivers",
    url: "https://gitlab.example.com",
    id: 1,
    short_token: "abcdefghi",
    executor: "custom",
    builds_dir: "/b",
    cache_dir: "/c",
    shell: "",
    environment: [],
    feature_flags: {},
    custom_build_dir: {},
    config: {
      run_exec: "/run",
      cleanup_exec_timeout: 7200,
      graceful_kill_timeout: 10,
      force_kill_timeout: 5,
    },
  });
  await using open = await customPlugin({}).open({
    protocol_versions: [1],
    host: { name: "", version: "", os: "linux", arch: "amd64", system_id: "", executable: "/r" },
    runner,
    state_dir: "/s",
    max_line_bytes: 1,
    output_window_bytes: 1,
  });
  expect(open.graceMs).toBe(15_000);
  expect(open.cleanupMs).toBe(7_275_000);
});
