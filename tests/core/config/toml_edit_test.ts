import { describe, expect, test } from "bun:test";
import { parse } from "smol-toml";
import { addRunner, removeRunners, setRunner } from "../../../core/config/toml_edit.ts";
import { Secret } from "../../../core/util/secret.ts";

const FILE = `# Managed by hand.
concurrent = 4 # jobs
unknown_key = "stays"

# first runner
[[runners]]
  name = "first"   # its name
  token = "t1" # rotate me
  environment = [
    "A=1", # one
  ]
  executor = "docker"
  [runners.docker]
    # the image
    image = "alpine"
    other_thing = 1
    # image = "debian"

# second runner
# with two lines
[[runners]]
  name = "second"
  token = "t2"
  [runners.feature_flags]
    FF_X = true
  # about the third
# third runner
[[runners]]
  name = "third"
# the end
`;

describe("addRunner", () => {
  test("writes an entry as GitLab Runner does, keys in the order of the schema", () => {
    const text = addRunner("concurrent = 1\n", {
      executor: "docker",
      docker: {
        volumes: ["/cache"],
        tmpfs: { "/run": "rw" },
        image: 'alp"ine',
        shm_size: 0,
        services: [{ name: "pg" }],
      },
      token: new Secret("glrt-x"),
      id: 7,
      name: "a",
      mine: true,
      token_obtained_at: new Date("2025-02-03T04:05:06Z"),
      cache: { s3: {} },
      url: "https://gitlab.example",
    });
    expect(text).toBe(`concurrent = 1

[[runners]]
  name = "a"
  url = "https://gitlab.example"
  id = 7
  token = "glrt-x"
  token_obtained_at = 2025-02-03T04:05:06Z
  executor = "docker"
  mine = true
  [runners.cache]
    [runners.cache.s3]
  [runners.docker]
    image = "alp\\"ine"
    volumes = ["/cache"]
    shm_size = 0
    [[runners.docker.services]]
      name = "pg"
    [runners.docker.tmpfs]
      "/run" = "rw"
`);
  });

  test("keeps every byte that was there", () => {
    expect(addRunner(FILE, { name: "new" })).toStartWith(FILE);
  });

  test("ends an open last line first and keeps Windows line ends", () => {
    expect(addRunner("a = 1\r\nb = 2", { name: "n" })).toBe(
      'a = 1\r\nb = 2\r\n\r\n[[runners]]\r\n  name = "n"\r\n',
    );
  });

  test("adds to runners written as an inline array", () => {
    const text = addRunner('# c\nrunners = [{ name = "a" }]\n', { name: "b" });
    expect(parse(text)).toEqual({ runners: [{ name: "a" }, { name: "b" }] });
    expect(text).toStartWith("# c\n");
  });
});

describe("setRunner", () => {
  test("rotates a token and touches nothing else", () => {
    const text = setRunner(FILE, 0, { token: "NEW" });
    expect(text).toBe(FILE.replace('token = "t1" # rotate me', 'token = "NEW" # rotate me'));
  });

  test("puts a new key below the entry's others", () => {
    const text = setRunner(FILE, 1, {
      id: 5,
      token_expires_at: new Date("2026-01-01T00:00:00Z"),
    });
    expect(text).toBe(FILE.replace(
      '  token = "t2"\n',
      '  token = "t2"\n  id = 5\n  token_expires_at = 2026-01-01T00:00:00Z\n',
    ));
  });

  test("replaces a value of several lines", () => {
    const text = setRunner(FILE, 0, { environment: ["B=2"] });
    expect(text).toContain('\n  environment = ["B=2"]\n  executor');
  });

  test("takes a key away", () => {
    expect(setRunner(FILE, 2, { name: undefined })).toBe(FILE.replace('  name = "third"\n', ""));
  });

  test("writes a value with quotes, line breaks and a NUL so that it reads back", () => {
    const value = 'a"b\\c\nd\0\x7f€😀';
    const [runner] = runnersOf(setRunner(FILE, 0, { name: value }));
    expect(runner?.["name"]).toBe(value);
  });

  test("finds a key in the case in which it is written", () => {
    const text = '[[Runners]]\n  Name = "a"\n  Token = "x" # secret\n';
    expect(setRunner(text, 0, { token: "y", id: 3 }))
      .toBe('[[Runners]]\n  Name = "a"\n  Token = "y" # secret\n  id = 3\n');
    expect(removeRunners(addRunner(text, { name: "b" }), [0])).toBe('[[Runners]]\n  name = "b"\n');
  });

  test("sets a key of a runner written as an inline table", () => {
    const text = setRunner('runners = [{ name = "a", token = "x" }]\n', 0, { token: "y" });
    expect(runnersOf(text)).toEqual([{ name: "a", token: "y" }]);
  });
});

describe("removeRunners", () => {
  test("takes an entry with its own comments and leaves the neighbours theirs", () => {
    expect(removeRunners(FILE, [1])).toBe(
      FILE.replace(/# second runner[^]*(?=# third)/, ""),
    );
  });

  test("keeps the comment that opens the file, and the one behind the last entry", () => {
    expect(removeRunners(FILE, [0, 1, 2])).toBe(
      '# Managed by hand.\nconcurrent = 4 # jobs\nunknown_key = "stays"\n\n# the end\n',
    );
    expect(removeRunners('# head\n[[runners]]\nname = "a"\n', [0])).toBe("# head\n");
  });

  test("removes the first of two and renumbers nothing else", () => {
    expect(runnersOf(removeRunners(FILE, [0])).map((runner) => runner["name"])).toEqual([
      "second",
      "third",
    ]);
    expect(removeRunners(FILE, [0])).toContain("# second runner\n# with two lines\n[[runners]]");
  });

  test("removes one of an inline array", () => {
    const text = removeRunners('runners = [{ name = "a" }, { name = "b" }]\n', [0]);
    expect(runnersOf(text)).toEqual([{ name: "b" }]);
  });
});

describe("edits of random files", () => {
  test("leave every other runner and key as they were", () => {
    for (let count = 1; count < 6; count++) {
      let text = "concurrent = 2\n";
      for (let index = 0; index < count; index++) {
        text = addRunner(text, {
          name: `r${index}`,
          pre_build_script: 'echo """\n[[runners]]\n# no comment\n',
          docker: { image: "a", sysctls: { "a.b": "'" }, services: [{ name: "x" }, { name: "y" }] },
        });
      }
      for (let index = 0; index < count; index++) {
        const before = runnersOf(text);
        const after = runnersOf(setRunner(text, index, { token: "]]", limit: 3 }));
        expect(after).toEqual(before.with(index, { ...before[index], token: "]]", limit: 3 }));
        expect(runnersOf(removeRunners(text, [index]))).toEqual(before.toSpliced(index, 1));
      }
    }
  });
});

function runnersOf(text: string): Record<string, unknown>[] {
  const { runners } = parse(text);
  return Array.isArray(runners) ? runners.map((runner) => ({ ...Object(runner) })) : [];
}
