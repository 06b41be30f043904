import { expect, test } from "bun:test";
import { JobConfigurationError } from "../../../../core/errors.ts";
import { effectivePolicies, type PolicyChoice } from "../../../../executors/docker/images/mod.ts";

function effective(choice: Partial<PolicyChoice>) {
  return effectivePolicies("ruby:3", { configured: [], allowed: [], requested: [], ...choice });
}

test("effectivePolicies is always when nobody chose", () => {
  expect(effective({})).toEqual(["always"]);
});

test("effectivePolicies keeps the order, and repetitions as further tries", () => {
  expect(effective({ configured: ["if-not-present", "always", "always"] }))
    .toEqual(["if-not-present", "always", "always"]);
});

test("effectivePolicies leaves out what the job may not use", () => {
  const allowed = ["always", "never"];
  expect(effective({ allowed, requested: ["if-not-present", "never"] })).toEqual(["never"]);
});

test("effectivePolicies lets a job choose among the configured ones when none is allowed by name", () => {
  const configured = ["always", "if-not-present"];
  expect(effective({ configured, requested: ["if-not-present"] })).toEqual(["if-not-present"]);
  expect(() => effective({ requested: ["if-not-present"] })).toThrow(
    'invalid pull policy for image "ruby:3": pull_policy ([if-not-present]) defined in GitLab ' +
      "pipeline config is not one of the allowed_pull_policies ([always])",
  );
});

test("effectivePolicies refuses a configuration that contradicts itself", () => {
  expect(() => effective({ configured: ["always"], allowed: ["never", "if-not-present"] })).toThrow(
    'invalid pull policy for image "ruby:3": pull_policy ([always]) defined in Runner config ' +
      "is not one of the allowed_pull_policies ([never if-not-present])",
  );
});

test("effectivePolicies names an unknown policy and where it stands", () => {
  expect(() => effective({ configured: ["sometimes"] })).toThrow(JobConfigurationError);
  expect(() => effective({ configured: ["sometimes"] })).toThrow(
    'unsupported pull_policy config: "sometimes"; use "always", "if-not-present", "never"',
  );
  expect(() => effective({ allowed: ["x"] })).toThrow(
    'unsupported allowed_pull_policies config: "x"',
  );
  expect(() => effective({ requested: ["x"] })).toThrow(
    "pull_policy ([x]) defined in GitLab pipeline config is not one of",
  );
});
