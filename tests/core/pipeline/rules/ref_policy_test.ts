import { describe, expect, test } from "bun:test";
import { compose } from "../../../../core/pipeline/compose.ts";
import { config, facts, type FactsText, names } from "../builders.ts";

describe("compose() decides by only and except", () => {
  const branch: FactsText = {};
  const tag: FactsText = { ref: "v1.0", isTag: true, predefined: { CI_COMMIT_TAG: "v1.0" } };
  const mergeRequest: FactsText = { source: "merge_request_event", ref: "feature" };
  test.each<[string, object, FactsText, boolean]>([
    ["nothing, on a branch", {}, branch, true],
    ["nothing, on a tag", {}, tag, true],
    ["nothing, for a merge request", {}, mergeRequest, false],
    ["branches", { only: { refs: ["branches"] } }, branch, true],
    ["branches, on a tag", { only: { refs: ["branches"] } }, tag, false],
    ["tags", { only: { refs: ["tags"] } }, tag, true],
    ["merge_requests", { only: { refs: ["merge_requests"] } }, mergeRequest, true],
    ["merge_requests, on a branch", { only: { refs: ["merge_requests"] } }, branch, false],
    ["pushes", { only: { refs: ["pushes"] } }, branch, true],
    ["schedules", { only: { refs: ["schedules"] } }, { source: "schedule" }, true],
    ["schedules, on a push", { only: { refs: ["schedules"] } }, branch, false],
    ["web", { only: { refs: ["web"] } }, { source: "web" }, true],
    ["api", { only: { refs: ["api"] } }, { source: "api" }, true],
    ["triggers", { only: { refs: ["triggers"] } }, { source: "trigger" }, true],
    ["pipelines", { only: { refs: ["pipelines"] } }, { source: "pipeline" }, true],
    ["external", { only: { refs: ["external"] } }, { source: "external" }, true],
    ["chat", { only: { refs: ["chat"] } }, { source: "chat" }, true],
    ["external_pull_requests", { only: { refs: ["external_pull_requests"] } }, {
      source: "external_pull_request_event",
    }, true],
    ["a name", { only: { refs: ["main"] } }, branch, true],
    ["another name", { only: { refs: ["stable"] } }, branch, false],
    ["a pattern", { only: { refs: ["/^v\\d/"] } }, tag, true],
    ["a pattern with a flag", { only: { refs: ["/^MAIN$/i"] } }, branch, true],
    ["a pattern, for a merge request", { only: { refs: ["/feature/"] } }, mergeRequest, false],
    ["a ref of this project", { only: { refs: ["main@group/app"] } }, branch, true],
    ["a ref of another project", { only: { refs: ["main@group/fork"] } }, branch, false],
    ["branches of this project", { only: { refs: ["branches@group/app"] } }, branch, true],
    ["except a name", { except: { refs: ["main"] } }, branch, false],
    ["except another name", { except: { refs: ["stable"] } }, branch, true],
    ["except tags, for a merge request", { except: { refs: ["tags"] } }, mergeRequest, false],
    [
      "only and except",
      { only: { refs: ["branches"] }, except: { refs: ["main"] } },
      branch,
      false,
    ],
    ["variables", { only: { variables: ["$CI_COMMIT_BRANCH == 'main'"] } }, branch, true],
    ["no variables", { only: { variables: ["$NOPE", "$NEITHER"] } }, branch, false],
    [
      "variables, with the refs by default",
      {
        only: { variables: ["$CI_PROJECT_PATH"] },
      },
      mergeRequest,
      false,
    ],
    [
      "variables and refs",
      { only: { refs: ["tags"], variables: ["$CI_PROJECT_PATH"] } },
      branch,
      false,
    ],
    ["except variables", { except: { variables: ["$CI_PROJECT_PATH"] } }, branch, false],
    ["changes", { only: { changes: ["src/**/*"] } }, { changed: ["src/a"] }, true],
    ["no changes", { only: { changes: ["src/**/*"] } }, { changed: ["a"] }, false],
    ["changes of a new branch", { only: { changes: ["src/**/*"] } }, branch, true],
    ["except changes", { except: { changes: ["*.md"] } }, { changed: ["README.md"] }, false],
    ["kubernetes", { only: { kubernetes: "active" } }, branch, false],
    ["except kubernetes", { except: { kubernetes: "active" } }, branch, true],
  ])("%s", (_, job, event, expected) => {
    const pipeline = compose(config({ always: { rules: [{}] }, job }), facts(event));
    expect(names(pipeline).includes("job")).toBe(expected);
  });

  test("without the default of only where the workflow has rules", () => {
    const one = config({ job: {} }, { workflow: { rules: [{}] } });
    expect(names(compose(one, facts(mergeRequest)))).toEqual(["job"]);
  });

  test("says why a job is left out", () => {
    const { excluded } = compose(
      config({
        always: { rules: [{}] },
        a: {},
        b: { only: { refs: ["tags"] } },
        c: { only: { refs: ["merge_requests"] }, except: { variables: ["$CI_PROJECT_PATH"] } },
        d: { rules: [{ when: "never" }] },
      }),
      facts(mergeRequest),
    );
    expect(excluded.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      "a: runs only for branches, tags",
      "b: runs only for tags",
      "c: except:variables fits",
      "d: the rule at .gitlab-ci.yml:1 says when: never",
    ]);
  });
});
