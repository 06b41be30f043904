import { expect, test } from "bun:test";
import { localVariables } from "../../../../core/local/variables/job_variables.ts";
import { compose } from "../../../../core/pipeline/compose.ts";
import { config, facts, type FactsText, type JobText } from "../../pipeline/builders.ts";

function variablesOf(job: JobText, dotenv: Record<string, string> = {}, event: FactsText = {}) {
  const [one] = compose(config({ job }), facts(event)).jobs;
  const variables = localVariables(one!, {
    serverUrl: "https://gitlab.example.com",
    projectPath: "group/app",
    jobId: 1,
    environmentId: undefined,
    pipelineId: 1,
    tags: [],
    name: "job",
    stage: "test",
    image: "",
    startedAt: "2026-01-01T00:00:00Z",
    timeoutSeconds: 60,
    node: undefined,
    runner: { id: 1, description: "local", tags: [] },
    token: "token",
    repositoryUrl: "https://gitlab.example.com/group/app.git",
    credentials: {
      idTokens: { ASKED: "token $X", OTHER: "token" },
      secrets: { FILE: "in $A file", VALUE: "plain", OTHER: "secret" },
    },
    dotenv: new Map(Object.entries(dotenv)),
  });
  return Object.fromEntries(variables.map((variable) => [variable.key, variable]));
}

test("localVariables() expands values that refer to others", () => {
  const variables = variablesOf({
    variables: { OUT: "$ROOT/out", ROOT: "/builds", RAW: "raw:$X" },
  });
  expect(variables["OUT"]).toMatchObject({ value: "/builds/out", raw: false, origin: "job" });
  expect(variables["RAW"]).toMatchObject({ value: "$X", raw: true });
});

test("localVariables() puts dotenv reports above the job and below settings", () => {
  const variables = variablesOf(
    { variables: { A: "job", B: "job", URL: "$C/x" } },
    { A: "dotenv", B: "dotenv", C: "dotenv" },
    { project: { B: "settings" } },
  );
  expect([variables["A"]?.value, variables["B"]?.value]).toEqual(["dotenv", "settings"]);
  expect(variables["URL"]?.value).toBe("dotenv/x");
});

test("localVariables() keeps from services what the CI file does not say", () => {
  const variables = variablesOf(
    { variables: { OWN: "job", COPY: "$SETTING" } },
    { REPORT: "dotenv" },
    { project: { SETTING: "settings" }, pipeline: { GIVEN: "by hand" } },
  );
  const open = Object.values(variables).filter((variable) => variable.public);
  expect(open.map(({ key }) => key)).toEqual(
    expect.arrayContaining(["OWN", "COPY", "CI_PROJECT_PATH"]),
  );
  expect(variables["COPY"]?.value).toBe("settings");
  const closed = ["SETTING", "GIVEN", "REPORT", "CI_JOB_TOKEN", "CI_REPOSITORY_URL", "ASKED"];
  expect(open.filter(({ key }) => closed.includes(key))).toEqual([]);
});

test("localVariables() lets the URL of an environment use a dotenv report", () => {
  const environment = { name: "review", url: "https://$HOST/$CI_ENVIRONMENT_SLUG" };
  const variables = variablesOf({ environment }, { HOST: "example.com" });
  expect(variables["CI_ENVIRONMENT_URL"]).toMatchObject({
    value: "https://example.com/review",
    raw: false,
  });
});

test("localVariables() leaves a commit's message alone", () => {
  const variables = variablesOf({}, {}, { predefined: { CI_COMMIT_MESSAGE: "costs $HOME" } });
  expect(variables["CI_COMMIT_MESSAGE"]).toMatchObject({ value: "costs $HOME", raw: true });
});

test("localVariables() has the id_tokens that the job asks for, below all that is set", () => {
  const job = { idTokens: { ASKED: { aud: ["a"] }, MISSING: { aud: ["a"] } } };
  const variables = variablesOf(job);
  expect(variables["ASKED"]).toMatchObject({ value: "token $X", raw: true, masked: true });
  expect([variables["OTHER"], variables["MISSING"]]).toEqual([undefined, undefined]);
  expect(variablesOf({ ...job, variables: { ASKED: "own" } })["ASKED"]?.value).toBe("own");
});

test("localVariables() has the secrets that the job asks for, over all else, in files or not", () => {
  const vault = { vault: "a/b@c" };
  const variables = variablesOf(
    {
      secrets: { FILE: vault, VALUE: { ...vault, file: false }, MISSING: vault },
      variables: { VALUE: "of the job" },
    },
    {},
    { pipeline: { VALUE: "of the pipeline" } },
  );
  expect(variables["FILE"]).toMatchObject({ value: "in $A file", file: true, masked: true });
  expect(variables["VALUE"]).toMatchObject({ value: "plain", file: false, origin: "secrets" });
  expect([variables["OTHER"], variables["MISSING"]]).toEqual([undefined, undefined]);
});
