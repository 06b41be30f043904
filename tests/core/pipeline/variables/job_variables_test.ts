import { describe, expect, test } from "bun:test";
import { compose } from "../../../../core/pipeline/compose.ts";
import { config, facts, image, names, refusals, valuesOf } from "../builders.ts";

describe("compose() gives variables", () => {
  test("in GitLab's order, the last one of a name winning", () => {
    const origins = ["PREDEFINED", "GLOBAL", "WORKFLOW", "JOB", "MATRIX", "RULES", "PROJECT"];
    // In each layer: its own name and those of all higher ones, which have to win.
    const layer = (origin: string) =>
      Object.fromEntries(
        [...origins, "PIPELINE"].slice(origins.indexOf(origin)).map((key) => [key, origin]),
      );
    const { jobs: [job] } = compose(
      config({
        job: {
          variables: layer("JOB"),
          parallel: { kind: "matrix", matrix: [lists(layer("MATRIX"))] },
          rules: [{ variables: layer("RULES") }],
        },
      }, {
        variables: layer("GLOBAL"),
        workflow: { rules: [{ variables: layer("WORKFLOW") }] },
      }),
      facts({
        predefined: layer("PREDEFINED"),
        project: layer("PROJECT"),
        pipeline: { PIPELINE: "PIPELINE" },
      }),
    );
    expect(valuesOf(job!.variables)).toMatchObject(
      Object.fromEntries([...origins, "PIPELINE"].map((key) => [key, key])),
    );
  });

  test("of the workflow's rule to all jobs and to the name", () => {
    const pipeline = compose(
      config({ a: { rules: [{ if: "$KIND == 'nightly'" }] } }, {
        variables: { KIND: "usual" },
        workflow: {
          name: "$KIND of $CI_COMMIT_BRANCH",
          rules: [{ if: "$KIND == 'usual'", variables: { KIND: "nightly" } }],
        },
      }),
      facts(),
    );
    expect(pipeline.name).toBe("nightly of main");
    expect(names(pipeline)).toEqual(["a"]);
  });

  test("a name that is blank is none", () => {
    expect(compose(config({ a: {} }, { workflow: { name: " $NOPE " } }), facts()).name)
      .toBeUndefined();
  });

  test.each<[string, boolean | string[], Record<string, string | undefined>]>([
    ["all", true, { A: "1", B: "2" }],
    ["none", false, { A: undefined, B: undefined }],
    ["some", ["A"], { A: "1", B: undefined }],
  ])("%s of the global ones as inherit:variables says", (_, inheritVariables, expected) => {
    const one = config({ job: { inheritVariables } }, { variables: { A: "1", B: "2" } });
    const values = valuesOf(compose(one, facts()).jobs[0]!.variables);
    expect({ A: values.A, B: values.B }).toEqual(expected as { A: string; B: string });
  });

  test("of an environment", () => {
    const { jobs: [job] } = compose(
      config({
        deploy: {
          environment: {
            name: "review/$CI_COMMIT_BRANCH",
            url: "https://$CI_ENVIRONMENT_SLUG.example.com/$FROM_DOTENV",
          },
        },
      }),
      facts(),
    );
    expect(job!.environment).toEqual({
      name: "review/main",
      url: "https://review-main-yi2y9f.example.com/$FROM_DOTENV",
      action: "start",
      onStop: undefined,
      deploymentTier: "development",
    });
    expect(valuesOf(job!.variables)).toMatchObject({
      CI_ENVIRONMENT_NAME: "review/main",
      CI_ENVIRONMENT_SLUG: "review-main-yi2y9f",
      CI_ENVIRONMENT_ACTION: "start",
      CI_ENVIRONMENT_TIER: "development",
      CI_ENVIRONMENT_URL: "https://review-main-yi2y9f.example.com/$FROM_DOTENV",
    });
  });

  test.each([
    ["dev", "development"],
    ["review/x", "development"],
    ["qa", "testing"],
    ["acceptance", "testing"],
    ["stage", "staging"],
    ["pre-live", "staging"],
    ["prod-eu", "production"],
    ["live", "production"],
    ["somewhere", "other"],
  ])("the tier of %s", (name, tier) => {
    const { jobs: [job] } = compose(config({ deploy: { environment: { name } } }), facts());
    expect(job!.environment?.deploymentTier).toBe(tier);
  });

  test.each<[string, Record<string, string>, string]>([
    ["node:$VERSION", { VERSION: "22" }, "node:22"],
    ["$REGISTRY/app:$TAG", { REGISTRY: "$HOST/group", HOST: "r", TAG: "raw:1" }, "r/group/app:1"],
    ["$UNKNOWN/app", {}, "$UNKNOWN/app"],
    ["$RAW", { RAW: "raw:$X" }, "$RAW"],
    ["app:$$TAG", { TAG: "1" }, "app:$$TAG"],
    ["app:%TAG%", { TAG: "1" }, "app:%TAG%"],
  ])("into the image %s", (name, variables, expected) => {
    const { jobs: [job] } = compose(config({ a: { image: name, variables } }), facts());
    expect(job!.image?.name).toBe(expected);
  });

  test("into services, caches and resource groups", () => {
    const { jobs: [job] } = compose(
      config({
        a: {
          variables: { V: "1" },
          services: [image("db:$V")],
          resourceGroup: "group-$V-$NOPE",
          cache: [{
            key: { kind: "text", text: "$V-$LATER" },
            fallbackKeys: ["old-$V"],
            paths: ["dir/$V"],
            untracked: false,
            policy: "$POLICY",
            when: "on_success",
            unprotect: false,
          }, {
            key: { kind: "files", files: ["lock"], prefix: "$V", by: "commits" },
            fallbackKeys: [],
            paths: [],
            untracked: false,
            policy: "pull",
            when: "always",
            unprotect: false,
          }],
        },
      }),
      facts(),
    );
    expect(job!.services.map(({ name }) => name)).toEqual(["db:1"]);
    expect(job!.resourceGroup).toBe("group-1-");
    expect(job!.cache).toMatchObject([
      { key: { text: "1-$LATER" }, fallbackKeys: ["old-1"], paths: ["dir/1"], policy: "$POLICY" },
      { key: { files: ["lock"], prefix: "1" } },
    ]);
  });

  test("refuses circles", () => {
    const one = config({ job: { variables: { A: "$B", B: "$A" } } });
    expect(refusals(() => compose(one, facts()))).toEqual([
      'job: circular variable reference detected: ["A", "B"]',
    ]);
  });
});

function lists(values: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, [value]]));
}
