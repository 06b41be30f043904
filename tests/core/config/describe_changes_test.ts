import { describe, expect, test } from "bun:test";
import { describeChanges } from "../../../core/config/describe_changes.ts";
import { parseConfig } from "../../../core/config/load.ts";

const OLD = `
concurrent = 4
listen_address = ":9252"
[[runners]]
  name = "one"
  url = "https://x"
  token = "glrt-old-one"
  executor = "docker"
  limit = 1
  environment = ["PASSWORD=hunter2"]
  [runners.docker]
    image = "alpine"
[[runners]]
  name = "two"
  url = "https://x"
  token = "glrt-two"
  executor = "shell"
`;

describe("describeChanges", () => {
  test("says nothing about files that mean the same", () => {
    expect(
      changes(OLD, `# comment\n${OLD}check_interval = 3\n`.replace("check_interval = 3\n", "")),
    )
      .toEqual([]);
  });

  test("tells what applies now from what needs a restart", () => {
    const next = OLD.replace("concurrent = 4", "concurrent = 5").replace(":9252", ":1")
      .replace("[[runners]]", "[session_server]\nlisten_address = 'a'\n[[runners]]")
      .replace("limit = 1", "limit = 5").replace('"alpine"', '"debian"');
    expect(changes(OLD, next)).toEqual([
      'listen_address: ":9252" → ":1" (needs a restart)',
      'session_server.listen_address: "" → "a" (needs a restart)',
      "concurrent: 4 → 5 (applies now)",
      "runners[one].limit: 1 → 5 (applies now)",
      'runners[one].docker.image: "alpine" → "debian" (applies now)',
    ]);
  });

  test("follows a runner by its token through a new name and place", () => {
    const [head = "", one = "", two = ""] = OLD.split("[[runners]]");
    const next = `${head}[[runners]]${two}[[runners]]${one.replace('"one"', '"first"')}`;
    expect(changes(OLD, next)).toEqual(['runners[first].name: "one" → "first" (applies now)']);
  });

  test("names added and removed runners", () => {
    const next = OLD.replace('"two"', '"three"').replace("glrt-two", "glrt-three");
    expect(changes(OLD, next)).toEqual([
      "runners[three]: added (applies now)",
      "runners[two]: removed (applies now)",
    ]);
  });

  test("shows that a secret has changed, and not to what", () => {
    const next = OLD.replace("glrt-old-one", "glrt-new-one").replace("hunter2", "hunter3");
    const lines = changes(OLD, next);
    expect(lines).toEqual([
      "runners[one].token: changed (applies now)",
      "runners[one].environment: changed (applies now)",
    ]);
  });
});

function changes(before: string, after: string): readonly string[] {
  return describeChanges(load(before), load(after));
}

function load(text: string) {
  return parseConfig(text, { path: "config.toml", env: {} }).config;
}
