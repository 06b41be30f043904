import { expect, test } from "bun:test";
import { defaultConfigPath } from "../../../core/config/path.ts";

test.each(
  [
    [{}, 0, "linux", "/etc/gitlab-runner/config.toml"],
    [{ HOME: "/root" }, 0, "darwin", "/etc/gitlab-runner/config.toml"],
    [{ HOME: "/home/u" }, 1000, "linux", "/home/u/.gitlab-runner/config.toml"],
    [{}, 1000, "freebsd", "/work/config.toml"],
    [{ HOME: "relative" }, 1000, "linux", "/work/config.toml"],
    [{ HOME: "/home/u" }, undefined, "win32", "/work/config.toml"],
    [{ CONFIG_FILE: "/x/c.toml" }, 0, "linux", "/x/c.toml"],
    [{ CONFIG_FILE: "c.toml" }, 1000, "linux", "/work/c.toml"],
  ] as const,
)("defaultConfigPath(%j, uid %p, %s) is %s", (env, uid, platform, path) => {
  expect(defaultConfigPath({ env, uid, platform, cwd: "/work" })).toBe(path);
});
