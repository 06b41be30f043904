/** `needs`, `dependencies` and `on_stop`: what jobs say about each other. */

import { describe, expect, test } from "bun:test";
import { compose } from "../../../core/pipeline/compose.ts";
import { config, facts, type JobText, names, PLACE, refusals } from "./builders.ts";

type Jobs = Readonly<Record<string, JobText>>;

function needsOf(jobs: Jobs, name: string): string[] | undefined {
  return compose(config(jobs), facts()).jobs.find((job) => job.name === name)!.needs
    ?.map(({ job, artifacts }) => artifacts ? job : `${job} (no artifacts)`);
}

function artifactsOf(jobs: Jobs, name: string): readonly string[] {
  return compose(config(jobs), facts()).jobs.find((job) => job.name === name)!.artifactsFrom;
}

const OS = { kind: "matrix", matrix: [{ OS: ["linux", "mac"] }] } as const;
const BUILD: JobText = { stage: "build" };
const NEVER = [{ when: "never" }] as const;

describe("needs name", () => {
  test.each<[string, Jobs, string[] | undefined]>([
    ["nothing: stage order", { build: BUILD, test: {} }, undefined],
    ["an empty list: at once", { build: BUILD, test: { needs: [] } }, []],
    ["a job", { build: BUILD, test: { needs: ["build"] } }, ["build"]],
    ["a job of the same stage", { build: {}, test: { needs: ["build"] } }, ["build"]],
    ["a job without its artifacts", {
      build: BUILD,
      test: { needs: [{ job: "build", artifacts: false }] },
    }, ["build (no artifacts)"]],
    ["all instances of a job", {
      build: { ...BUILD, parallel: { kind: "count", count: 2 } },
      test: { needs: ["build"] },
    }, ["build 1/2", "build 2/2"]],
    ["one instance by its full name", {
      build: { ...BUILD, parallel: OS },
      test: { needs: ["build: [mac]"] },
    }, ["build: [mac]"]],
    ["instances by matrix", {
      build: {
        ...BUILD,
        parallel: { kind: "matrix", matrix: [{ OS: ["a", "b"], V: ["1", "2"] }] },
      },
      test: { needs: [{ job: "build", matrix: [{ OS: ["a"], V: ["1", "2"] }] }] },
    }, ["build: [a, 1]", "build: [a, 2]"]],
    ["an optional job that is left out", {
      build: { ...BUILD, rules: NEVER },
      test: { needs: [{ job: "build", optional: true }] },
    }, []],
    ["an optional job that is nowhere", {
      test: { needs: [{ job: "nope", optional: true }] },
    }, []],
    ["an optional job that is there", {
      build: BUILD,
      test: { needs: [{ job: "build", optional: true }] },
    }, ["build"]],
    ["those of the rule that fits", {
      build: BUILD,
      lint: BUILD,
      test: { needs: ["build"], rules: [{ needs: ["lint"] }] },
    }, ["lint"]],
    ["its own, where the rule has an empty list", {
      build: BUILD,
      test: { needs: ["build"], rules: [{ needs: [] }] },
    }, ["build"]],
    ["a job of another project: only a warning", {
      build: BUILD,
      test: { needs: ["build", { job: "x", elsewhere: { project: "group/other", ref: "main" } }] },
    }, ["build"]],
  ])("%s", (_, jobs, expected) => {
    expect(needsOf(jobs, "test")).toEqual(expected);
  });

  test("the instance with the same values", () => {
    const jobs: Jobs = {
      build: { ...BUILD, parallel: OS },
      test: {
        parallel: OS,
        needs: [{ job: "build", matrix: [{ OS: ["$[[ matrix.OS ]]"] }] }],
      },
    };
    expect(needsOf(jobs, "test: [linux]")).toEqual(["build: [linux]"]);
    expect(needsOf(jobs, "test: [mac]")).toEqual(["build: [mac]"]);
  });

  test("jobs of other pipelines with a warning each, and those of other projects without", () => {
    const pipeline = compose(
      config({
        a: { needs: [{ job: "x", elsewhere: { project: "group/other", ref: "main" } }] },
        b: { needs: [{ job: "x", elsewhere: { pipeline: "$UP" } }] },
      }),
      facts(),
    );
    expect(pipeline.warnings.map(({ message, keyword }) => `${keyword}: ${message}`)).toEqual([
      'jobs:b:needs:pipeline: b needs "x" of $UP, which is not to be had here: ' +
      "it starts without it",
    ]);
  });
});

describe("artifacts come", () => {
  const build = { a: BUILD, b: BUILD };
  test.each<[string, Jobs, string[]]>([
    ["from all earlier stages", { ...build, other: {}, test: {} }, ["a", "b"]],
    ["from those named", { ...build, test: { dependencies: ["b"] } }, ["b"]],
    ["from none", { ...build, test: { dependencies: [] } }, []],
    ["from those needed", { ...build, test: { needs: ["a"] } }, ["a"]],
    [
      "from those needed and named",
      { ...build, test: { needs: ["a", "b"], dependencies: ["b"] } },
      ["b"],
    ],
    ["not where a need says so", {
      ...build,
      test: { needs: [{ job: "a", artifacts: false }, "b"] },
    }, ["b"]],
    ["from all instances", {
      a: { ...BUILD, parallel: { kind: "count", count: 2 } },
      b: BUILD,
      test: { dependencies: ["a"] },
    }, ["a 1/2", "a 2/2"]],
    ["not from what is left out", {
      a: { ...BUILD, rules: NEVER },
      b: BUILD,
      test: { dependencies: ["a", "b"] },
    }, ["b"]],
  ])("%s", (_, jobs, expected) => {
    expect(artifactsOf(jobs, "test")).toEqual(expected);
  });
});

describe("compose() refuses", () => {
  const goneFrom = (name: string, need: string) =>
    `'${name}' job needs '${need}' job, but '${need}' does not exist in the pipeline. This might be ` +
    "because of the only, except, or rules keywords. To need a job that sometimes does not exist in " +
    "the pipeline, use needs:optional.";
  test.each<[string, Jobs, string[]]>([
    ["a need that is nowhere", { test: { needs: ["nope"] } }, ["test job: undefined need: nope"]],
    ["a need in a later stage", { deploy: { stage: "deploy" }, test: { needs: ["deploy"] } }, [
      "test job: need deploy is not defined in current or prior stages",
    ]],
    ["a need of a rule that is nowhere", { test: { rules: [{ if: "$NO", needs: ["nope"] }] } }, [
      "test job: undefined need: nope",
    ]],
    ["a need that is left out", { build: { ...BUILD, rules: NEVER }, test: { needs: ["build"] } }, [
      goneFrom("test", "build"),
    ]],
    ["needs of every instance that are left out", {
      build: { ...BUILD, parallel: OS, rules: [{ if: "$OS == 'mac'" }] },
      test: { needs: ["build"] },
    }, [goneFrom("test", "build: [linux]")]],
    ["needs that are there twice", {
      build: { ...BUILD, parallel: OS },
      test: { needs: ["build", "build: [mac]"] },
    }, ["test has the following needs duplicated: build: [mac]."]],
    ["an instance that the matrix does not make", {
      build: { ...BUILD, parallel: OS },
      test: { needs: [{ job: "build", matrix: [{ OS: ["bsd"] }] }] },
    }, ["test job: undefined need: build: [bsd]"]],
    ["a matrix value that the job does not have", {
      build: { ...BUILD, parallel: OS },
      test: { needs: [{ job: "build", matrix: [{ OS: ["$[[ matrix.CPU ]]"] }] }] },
    }, [
      "test job: 'CPU' does not exist in matrix configuration",
      "test job: undefined need: build: [$[[ matrix.CPU ]]]",
    ]],
    ["a circle", { a: { needs: ["b"] }, b: { needs: ["c"] }, c: { needs: ["a"] } }, [
      "The pipeline has circular dependencies",
    ]],
    ["a job that needs itself", { a: { needs: ["a"] } }, [
      "The pipeline has circular dependencies",
    ]],
    ["a circle that rules make", { a: { rules: [{ needs: ["b"] }] }, b: { needs: ["a"] } }, [
      "The pipeline has circular dependencies",
    ]],
    ["a dependency that is nowhere", { test: { dependencies: ["nope"] } }, [
      "test job: undefined dependency: nope",
    ]],
    ["a dependency in a later stage", {
      deploy: { stage: "deploy" },
      test: { dependencies: ["deploy"] },
    }, [
      "test job: dependency deploy is not defined in current or prior stages",
    ]],
    ["a dependency that is not needed", {
      a: BUILD,
      b: BUILD,
      test: { needs: ["a"], dependencies: ["b"] },
    }, [
      "jobs:test dependencies the b should be part of needs",
    ]],
    ["a child pipeline's file from nowhere", {
      child: { trigger: { include: [{ kind: "artifact", job: "nope", path: "ci.yml" }] } },
    }, ["child job: undefined dependency: nope"]],
    ["on_stop without that job", { deploy: { environment: { name: "e", onStop: "stop" } } }, [
      "deploy job: on_stop job stop is not defined",
    ]],
    ["on_stop without an environment", {
      deploy: { environment: { name: "e", onStop: "stop" } },
      stop: {},
    }, ["deploy job: on_stop job stop does not have environment defined"]],
    ["on_stop of another environment", {
      deploy: { environment: { name: "e", onStop: "stop" } },
      stop: { environment: { name: "f", action: "stop" } },
    }, ["deploy job: on_stop job stop have different environment name"]],
    ["on_stop without action stop", {
      deploy: { environment: { name: "e", onStop: "stop" } },
      stop: { environment: { name: "e" } },
    }, ["deploy job: on_stop job stop needs to have action stop defined"]],
    ["nothing about a right on_stop", {
      deploy: { environment: { name: "e", onStop: "stop" } },
      stop: { environment: { name: "e", action: "stop" }, when: "manual" },
    }, []],
    ["several at once", { a: { needs: ["nope"] }, b: { dependencies: ["neither"] } }, [
      "a job: undefined need: nope",
      "b job: undefined dependency: neither",
    ]],
    ["a job with instances once", { test: { parallel: OS, needs: ["nope"] } }, [
      "test: [linux] job: undefined need: nope",
    ]],
  ])("%s", (_, jobs, expected) => {
    expect(refusals(() => compose(config(jobs), facts()))).toEqual(expected);
  });

  test("with the place of the need", () => {
    const place = { ...PLACE, line: 7 };
    const action = () => compose(config({ test: { needs: [{ job: "nope", place }] } }), facts());
    expect(action).toThrow(".gitlab-ci.yml:7:1: test job: undefined need: nope");
  });
});

test.each<[number, string[]]>([
  [50, []],
  [51, [
    "test: one job can only need 50 others, unless the server has another limit, " +
    "but you have listed 51",
  ]],
])("compose() warns of %d needs: %j", (count, expected) => {
  const jobs: Jobs = {
    build: { ...BUILD, parallel: { kind: "count", count } },
    test: { needs: ["build"] },
  };
  const { warnings } = compose(config(jobs), facts());
  expect(warnings.map(({ message }) => message)).toEqual(expected);
});

test("compose() takes little time for many jobs", () => {
  const jobs: Record<string, JobText> = {};
  for (let at = 0; at < 500; at++) {
    jobs[`job-${at}`] = {
      stage: at < 100 ? "build" : "test",
      rules: [{ if: '$CI_COMMIT_BRANCH == "other"' }, { changes: ["src/**/*"] }],
      ...(at < 100 ? {} : { needs: [`job-${at % 100}`, `job-${(at * 7) % 100}`].filter(once) }),
    };
  }
  const predefined = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`CI_${at}`, "x"]));
  const one = config(jobs, { variables: { A: "1", B: "$A" } });
  const event = facts({ predefined, changed: ["src/a.ts"] });
  expect(names(compose(one, event))).toHaveLength(500);
  // Of the processor, the fastest of some: a busy machine says nothing about the code.
  const times = Array.from({ length: 10 }, () => {
    const before = process.cpuUsage();
    compose(one, event);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(100);
});

function once(name: string, at: number, all: readonly string[]): boolean {
  return all.indexOf(name) === at;
}
