import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, parseConfig } from "../../../core/config/load.ts";
import { ConfigurationError } from "../../../core/errors.ts";

const RUNNER = `name = "a"\nurl = "https://gitlab.example"\ntoken = "glrt-x"\nexecutor = "shell"\n`;

describe("parseConfig", () => {
  test("reads keys under their TOML names and freezes the result", () => {
    const { config, warnings } = parse(`
check_interval = 10
[[runners]]
${RUNNER}
tls-ca-file = "/ca.pem"
token_obtained_at = 2024-01-02T03:04:05Z
token_expires_at = 0001-01-01T00:00:00Z
unhealthy_interval = "2m"
prepare_timeout = 90000000000
  [runners.cache.s3]
    ServerAddress = "s3:9000"
    SecretKey = "hush"
  [runners.docker]
    pull_policy = "never"
    services = ["postgres:16"]
    [runners.docker.tmpfs]
      "/run" = "rw"
`);
    expect(warnings).toEqual([]);
    const [runner] = config.runners;
    expect(config.check_interval).toBe(10);
    expect(runner?.["tls-ca-file"]).toBe("/ca.pem");
    expect(runner?.token.reveal()).toBe("glrt-x");
    expect(runner?.token_obtained_at?.toISOString()).toBe("2024-01-02T03:04:05.000Z");
    expect(runner?.token_expires_at).toBeUndefined();
    expect(runner?.unhealthy_interval).toBe(120_000);
    expect(runner?.prepare_timeout).toBe(90_000);
    expect(runner?.cache.s3.ServerAddress).toBe("s3:9000");
    expect(runner?.docker?.pull_policy).toEqual(["never"]);
    expect(runner?.docker?.services[0]?.name).toBe("postgres:16");
    expect(runner?.docker?.tmpfs).toEqual({ "/run": "rw" });
    expect(Object.isFrozen(config.runners)).toBe(true);
    expect(Object.isFrozen(runner?.docker?.tmpfs)).toBe(true);
    expect(JSON.stringify(config)).not.toContain("hush");
  });

  test("takes values below the least as unset", () => {
    const { config } = parse("check_interval = -1\nshutdown_timeout = 0\n");
    expect([config.concurrent, config.check_interval, config.shutdown_timeout]).toEqual([1, 3, 30]);
  });

  test("keeps a connection_max_age of zero, which means no limit", () => {
    expect(parse('connection_max_age = "0s"').config.connection_max_age).toBe(0);
  });

  test("matches names in any case unless another key matches exactly", () => {
    const { config, warnings } = parse(`
[[runners]]
${RUNNER}
  [runners.machine]
    idlecount = 4
    idletime = 1
    IdleTime = 2
`);
    expect(config.runners[0]?.machine?.IdleCount).toBe(4);
    expect(config.runners[0]?.machine?.IdleTime).toBe(2);
    expect(warnings).toEqual([
      'config.toml:10 runners[0].machine.idletime: unknown key, did you mean "IdleTime"?',
    ]);
  });

  test("warns of an unknown key with its line and the nearest known key", () => {
    const text = `concurent = 2\n\n[[runners]]\n${RUNNER}concurent = 1\nimagge = "x"\nzzzzzz = 1\n`;
    expect(parse(text).warnings).toEqual([
      'config.toml:1 concurent: unknown key, did you mean "concurrent"?',
      'config.toml:8 runners[0].concurent: unknown key, did you mean "concurrent"?',
      'config.toml:9 runners[0].imagge: unknown key, did you mean "image"?',
      "config.toml:10 runners[0].zzzzzz: unknown key",
    ]);
  });

  test("takes over retired keys and says what replaces them", () => {
    const { config, warnings } = parse(`
metrics_server = ":9252"
[[runners]]
${RUNNER}
pre_clone_script = "true"
  [runners.cache]
    Type = "s3"
    BucketName = "old"
    AccessKey = "k"
    [runners.cache.s3]
      BucketName = "new"
  [runners.kubernetes]
    terminationGracePeriodSeconds = 7
`);
    const [runner] = config.runners;
    expect(config.listen_address).toBe(":9252");
    expect(runner?.pre_get_sources_script).toBe("true");
    expect(runner?.cache.s3.AccessKey).toBe("k");
    expect(runner?.cache.s3.BucketName).toBe("new");
    expect(runner?.kubernetes?.pod_termination_grace_period_seconds).toBe(7);
    expect(warnings[0]).toBe(
      'config.toml:2 metrics_server: this key has been replaced by "listen_address"',
    );
    expect(warnings).toHaveLength(5);
  });

  test("reports every problem at once, in the order of the file", () => {
    expect(problems(`
[[runners]]
  name = "first"
  url = "https://x"
  token = 5
  limit = "ten"
  environment = ["A=1", 2]
  unhealthy_interval = "soon"
  [runners.docker]
    privileged = "yes"
    volumes = ["/a", 2]
    shm_size = 99999999999999999999
[[runners]]
  name = "second"
  url = "$UNSET"
  token = "t"
  executor = ""
`)).toEqual([
      'config.toml:2 runners[0].executor: missing, but runner "first" needs it',
      "config.toml:5 runners[0].token: expected a string",
      'config.toml:6 runners[0].limit: expected an integer, got "ten"',
      "config.toml:7 runners[0].environment[1]: expected a string",
      'config.toml:8 runners[0].unhealthy_interval: expected a duration such as "1h30m", got "soon"',
      'config.toml:10 runners[0].docker.privileged: expected true or false, got "yes"',
      "config.toml:11 runners[0].docker.volumes[1]: expected a string, got 2",
      "config.toml:12 runners[0].docker.shm_size: expected an integer, got 99999999999999999999",
      'config.toml:15 runners[1].url: "$UNSET" expands to nothing in this environment, but runner "second" needs it',
      'config.toml:17 runners[1].executor: missing, but runner "second" needs it',
    ]);
  });

  test("shows no value that may hold a secret", () => {
    const text = [
      '[runners]\ntoken = "hush"\n',
      `[[runners]]\n${RUNNER}environment = "PASSWORD=hush"\nlabels = ["hush"]\n`,
      `[[runners]]\n${RUNNER}environment = [["hush"]]\ndocker = "x"\ncache = { s3 = { SecretKey = ["hush"] } }\n`,
      '[[runners]]\ntoken = "hush\n',
    ];
    for (const one of text) expect(problems(one).join("\n")).not.toContain("hush");
  });

  test("finds lines behind long strings, arrays and quoted keys", () => {
    expect(problems(`
[[runners]]
${RUNNER}pre_build_script = """
limit = 1 # [[runners]]
a \\""" ]]
"""
environment = [ # "
  "A=]",
  '''
  limit = 2
''',
]
"limit" = true
`)).toEqual(["config.toml:17 runners[0].limit: expected an integer, got true"]);
  });

  test("gives line and column of a syntax error", () => {
    expect(problems("concurrent = 1\nlimit = \n")).toEqual(["config.toml:2:9 invalid value"]);
    expect(problems("a = 1\na = 2\n")[0]).toStartWith("config.toml:2:1 ");
    expect(problems('a = 1\nb = "x\n[[runners]]\n')).toEqual([
      "config.toml:2:7 a string of this line has no closing quote",
    ]);
  });

  test("expands environment references in url and token only", () => {
    const env = { HOST: "gitlab.example", TOKEN: "glrt-secret", B: "no" };
    const text =
      `[[runners]]\nname = "$B"\nurl = "https://\${HOST}/"\ntoken = "$TOKEN"\nexecutor = "shell"\n`;
    const [runner] = parseConfig(text, { path: "config.toml", env }).config.runners;
    expect(runner?.url).toBe("https://gitlab.example/");
    expect(runner?.token.reveal()).toBe("glrt-secret");
    expect(runner?.name).toBe("$B");
  });

  test("tells unknown keys together with what is wrong: one may be the other", () => {
    const { config, warnings } = parse(
      '[[runners]]\nurl = "http://x"\ntokn = "t"\nexecutor = "shell"\n',
    );
    expect(warnings).toEqual([
      "config.toml:1 runners[0].token: missing, but every runner needs it",
      'config.toml:3 runners[0].tokn: unknown key, did you mean "token"?',
    ]);
    expect(config.runners.map(({ token }) => token.reveal())).toEqual([""]);
  });

  test("keeps no reference that expands to nothing, nor a token of blanks", () => {
    const { config, warnings } = parse(
      `[[runners]]\nname = "a"\nurl = "$UNSET"\ntoken = "  "\nexecutor = "shell"\n`,
    );
    expect(warnings).toEqual([
      'config.toml:3 runners[0].url: "$UNSET" expands to nothing in this environment, but runner "a" needs it',
      'config.toml:4 runners[0].token: "  " expands to nothing in this environment, but runner "a" needs it',
    ]);
    expect(config.runners[0]?.url).toBe("");
  });

  test("refuses labels that GitLab would refuse, with those of the whole file counted in", () => {
    const many = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${prefix}-${n} = "x"`).join("\n");
    const fits = `[labels]\n${many("all", 16)}\n[[runners]]\n${RUNNER}[runners.labels]\n`;
    expect(parse(`${fits}${many("own", 16)}\n`).warnings).toEqual([]);
    expect(problems(`${fits}${many("own", 17)}\n`)).toEqual([
      "config.toml:23 runners[0].labels: 33 labels with the global ones, but GitLab takes 32 at most",
    ]);
    expect(problems(
      `labels = { "a b" = "x" }\n[[runners]]\n${RUNNER}labels = { team = "", ab = "x", "t.e" = "" }\n`,
    )).toHaveLength(4);
    expect(problems(`[labels]\nteam = "two words"\n`)[0])
      .toBe(
        "config.toml:2 labels.team: the value of a label has 1 to 256 letters, digits, dots, dashes " +
          'and underscores, not "two words"',
      );
  });

  test("answers mutated files with a configuration or a ConfigurationError, nothing else", () => {
    const random = generator(7);
    let refused = 0;
    for (let round = 0; round < 600; round++) {
      const text = mutate(SAMPLE, random);
      try {
        parse(text);
      } catch (error) {
        refused++;
        if (!(error instanceof ConfigurationError)) throw new Error(text, { cause: error });
        expect(error.message).toMatch(/^config\.toml(:\d+)?/);
        expect(error.message).not.toMatch(/\n\s+at /);
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(600);
  });
});

describe("loadConfig", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "load-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("names a file that does not exist", async () => {
    const path = join(folder, "none.toml");
    expect(loadConfig(path, { env: {} })).rejects.toThrow(
      `Cannot read configuration "${path}": the file does not exist; "runner register" creates it`,
    );
  });

  test("names a directory as one", async () => {
    await expect(loadConfig(folder, { env: {} })).rejects.toThrow(
      `Cannot read configuration "${folder}": it is a directory`,
    );
  });

  test("refuses bytes that are not UTF-8", async () => {
    const path = join(folder, "latin.toml");
    await writeFile(path, new Uint8Array([0x61, 0x20, 0x3d, 0x20, 0x22, 0xe9, 0x22]));
    expect(loadConfig(path, { env: {} })).rejects.toThrow("the file is not UTF-8 text");
  });

  test("reads a file with a byte order mark and Windows line ends", async () => {
    const path = join(folder, "windows.toml");
    await writeFile(
      path,
      `\ufeffconcurrent = 4\r\n[[runners]]\r\n${RUNNER.replaceAll("\n", "\r\n")}`,
    );
    const { config } = await loadConfig(path, { env: {} });
    expect(config.concurrent).toBe(4);
    expect(config.runners[0]?.executor).toBe("shell");
  });
});

function parse(text: string) {
  return parseConfig(text, { path: "/etc/gitlab-runner/config.toml", env: {} });
}

function problems(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split("\n");
    throw error;
  }
  throw new Error("The text was accepted");
}

const SAMPLE = `# head
concurrent = 4
[session_server]
  session_timeout = 1800
[[runners]]
  ${RUNNER}  environment = ["A=1", 'B']
  [runners.cache]
    Type = "s3"
    [runners.cache.s3]
      Insecure = true
  [runners.docker]
    volumes = ["/cache"]
    [[runners.docker.services]]
      name = "redis"
[[runners]]
  ${RUNNER}  [runners.machine]
    IdleScaleFactor = 1.5
    [[runners.machine.autoscaling]]
      Periods = ["* * * * *"]
`;

const SCRAPS = [
  "\n",
  '"',
  "'''",
  "[",
  "]]",
  "{",
  "=",
  "#",
  "\0",
  "\ud800",
  "1e400",
  "inf",
  "-",
  ".",
  "\\u",
];

function mutate(text: string, random: () => number): string {
  let result = text;
  for (let times = 1 + random() * 3; times > 0; times--) {
    const at = Math.floor(random() * result.length);
    const length = Math.floor(random() * 12);
    const scrap = random() < 0.5
      ? SCRAPS[Math.floor(random() * SCRAPS.length)] ?? ""
      : result.slice(Math.floor(random() * result.length)).slice(0, length);
    const cut = random() < 0.5 ? length : 0;
    result = result.slice(0, at) + scrap + result.slice(at + cut);
  }
  return result;
}

/** A small generator of fixed numbers, so that a failure can be repeated. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
