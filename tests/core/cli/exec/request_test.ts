import { expect, test } from "bun:test";
import { entrySettings } from "../../../../core/cli/exec/request.ts";
import { FlagValues } from "../../../../core/cli/flag.ts";

function settings(flags: Readonly<Record<string, readonly string[]>>) {
  return entrySettings(new FlagValues(new Map(Object.entries(flags))), {}, undefined);
}

test("entrySettings() takes pull policies one by one or with commas, and volumes as they are", () => {
  expect(settings({ "pull-policy": ["always,if-not-present", "never"] })).toEqual({
    docker: { pull_policy: ["always", "if-not-present", "never"] },
  });
  expect(settings({ volume: ["/a,b:/c", "/d"] })).toEqual({
    docker: { volumes: ["/a,b:/c", "/d"] },
  });
  expect(settings({})).toEqual({});
});
