import { expect, test } from "bun:test";
import { interpolateInputs } from "../../../core/job/inputs.ts";
import { JobResponse } from "../../../core/job/response.ts";

const INPUTS = [
  ["name", "string", "world"],
  ["age", "number", 42],
  ["on", "boolean", true],
  ["list", "array", ["a", { deep: "b" }]],
  ["struct", "struct", { line1: "first", "with-dash": 2 }],
].map(([key, type, content]) => ({ key, value: { type, content, sensitive: false } }));

function job(fields: Record<string, unknown>, inputs: unknown = INPUTS) {
  return JobResponse.parse({ id: 1, token: "t", inputs, ...fields });
}

/** What one line of a script becomes. */
function line(text: string, inputs: unknown = INPUTS): string {
  const parsed = job({ steps: [{ name: "script", script: [text] }] }, inputs);
  return interpolateInputs(parsed).steps[0]?.script[0] ?? "";
}

const CASES: readonly (readonly [string, string])[] = [
  ["Hello ${{ job.inputs.name }}!", "Hello world!"],
  ["${{job.inputs.name}}${{ job . inputs . name }}", "worldworld"],
  ["age ${{ str(job.inputs.age) }}", "age 42"],
  ["${{ job.inputs.list[1].deep }}${{ job.inputs.struct['line1'] }}", "bfirst"],
  ['${{ job.inputs.struct["with-dash"] + 1 }}', "3"],
  ['${{ job.inputs.on && "-v" || "" }} x', "-v x"],
  ["${{ !job.inputs.on && '-v' || \"\" }} x", " x"],
  ["${{ 1 + 2 * 3 - (4 - 1) / 3 % 2 }}", "6"],
  ["${{ -2 * -3 }} ${{ 1.5e3 }} ${{ 2E-1 }}", "6 1500 0.2"],
  ["${{ job.inputs.age >= 42 && job.inputs.age != '42' }}", "true"],
  ["${{ [1, 2,] == [1, 2] && {a: 1, b: 2} == {\"b\": 2, 'a': 1} }}", "true"],
  ["${{ [1, 3] > [1, 2, 9] }}${{ 'a' < 'B' }}${{ false < true }}", "truefalsetrue"],
  ["${{ {a: {b: 'x'}}.a.b }}", "x"],
  ["${{ {(job.inputs.name): 'key'}.world }}", "key"],
  ['${{ "tab\\t\\u0041 ${{ job.inputs.name }} \\${{ \\"q\\"" }}', 'tab\tA world ${{ "q"'],
  ["${{ 'It\\'s ${{ raw }} \\\\ \\n' }}", "It's ${{ raw }} \\ \\n"],
  ["use \\${{ to begin, }} to end", "use ${{ to begin, }} to end"],
  ['${{ str(null) }} ${{ bool("") }} ${{ num("3.14") }}', "<null> false 3.14"],
  ["no $ or { or }} here", "no $ or { or }} here"],
];

for (const [template, expected] of CASES) {
  test(`interpolateInputs() makes ${JSON.stringify(expected)} of ${template}`, () => {
    expect(line(template)).toBe(expected);
  });
}

const PROBLEMS: readonly (readonly [string, string])[] = [
  ["${{ job.inputs.missing }}", 'object has no member "missing"'],
  ["${{ job.inputs.name.x }}", 'string has no member "x"'],
  ["${{ job.inputs.constructor }}", 'no member "constructor"'],
  ["${{ other }}", 'there is no "other" here'],
  ["${{ job.inputs.name + 1 }}", "cannot use + with string and number"],
  ["${{ 1 / 0 }}", "division by zero"],
  ["${{ job.inputs.name", '"}}" is missing'],
  ["${{ }}", "a value is missing"],
  ["${{ 'x }}", "a string has no end"],
  ["${{ launch(1) }}", 'there is no function "launch"'],
  [`\${{ ${"(".repeat(5000)} }}`, "nested too deeply"],
];

for (const [template, problem] of PROBLEMS) {
  test(`interpolateInputs() refuses ${template.slice(0, 40)}`, () => {
    expect(() => line(template)).toThrow("failed to interpolate job inputs: ");
    expect(() => line(template)).toThrow(problem);
  });
}

test("interpolateInputs() refuses a sensitive input, also one that is only looked at", () => {
  const inputs = [{ key: "secret", value: { type: "string", content: "s3", sensitive: true } }];
  for (const expression of ["job.inputs.secret", "job.inputs.secret == 's3'"]) {
    expect(() => line(`\${{ ${expression} }}`, inputs)).toThrow("sensitive inputs are unsupported");
  }
  expect(line("${{ 'x' || job.inputs.secret }}", inputs)).toBe("x");
});

test("interpolateInputs() leaves all texts of a job without inputs as they are", () => {
  expect(line("${{ anything", [])).toBe("${{ anything");
});

test("interpolateInputs() reaches every field that GitLab lets name inputs, and no other", () => {
  const use = "${{ job.inputs.name }}";
  const image = {
    name: use,
    command: [use],
    entrypoint: [use],
    pull_policy: [use],
    alias: use,
    executor_opts: { docker: { user: use, platform: use } },
  };
  const expanded = interpolateInputs(job({
    steps: ["script", "after_script", "release"].map((name) => ({ name, script: [use] })),
    image,
    services: [image],
    artifacts: [{ name: use, paths: [use], exclude: [use], when: use, expire_in: use }],
    cache: [{ key: use, policy: use, paths: [use], when: use, fallback_keys: [use] }],
    variables: [{ key: "V", value: use }],
    hooks: [{ name: "pre_get_sources_script", script: [use] }],
  }));
  expect(expanded.steps.map(({ script }) => script[0])).toEqual(["world", "world", use]);
  expect(JSON.stringify([expanded.artifacts, expanded.cache])).not.toContain("$");
  for (const each of [expanded.image, expanded.services[0]]) {
    expect(JSON.stringify({ ...each, alias: "" })).not.toContain("$");
    expect(each?.alias).toBe(use);
  }
  expect(JSON.stringify([expanded.variables, expanded.hooks])).toContain(use);
});
