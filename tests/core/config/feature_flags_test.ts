import { describe, expect, test } from "bun:test";
import {
  changedFeatureFlags,
  FEATURE_FLAGS,
  isFeatureFlag,
  resolveFeatureFlags,
} from "../../../core/config/feature_flags.ts";

const none = { config: {}, jobVariables: [] };

describe("feature flags", () => {
  test("FEATURE_FLAGS holds the 51 flags with these on by default", () => {
    const on = Object.entries(FEATURE_FLAGS).filter(([, flag]) => flag.default);
    expect(Object.keys(FEATURE_FLAGS)).toHaveLength(51);
    expect(on.map(([name]) => name)).toEqual([
      "FF_USE_DIRECT_DOWNLOAD",
      "FF_USE_FASTZIP",
      "FF_USE_POD_ACTIVE_DEADLINE_SECONDS",
      "FF_SECRET_RESOLVING_FAILS_IF_MISSING",
      "FF_USE_GIT_BUNDLE_URIS",
      "FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO",
      "FF_TIMESTAMPS",
      "FF_MASK_ALL_DEFAULT_TOKENS",
      "FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY",
      "FF_USE_ADAPTIVE_REQUEST_CONCURRENCY",
      "FF_USE_GITALY_CORRELATION_ID",
      "FF_ENABLE_JOB_INPUTS_INTERPOLATION",
    ]);
  });

  test("isFeatureFlag refuses a retired flag", () => {
    expect(isFeatureFlag("FF_TIMESTAMPS")).toBe(true);
    expect(isFeatureFlag("FF_SKIP_NOOP_BUILD_STAGES")).toBe(false);
    expect(isFeatureFlag("toString")).toBe(false);
  });

  test("resolveFeatureFlags lets config.toml beat the job", () => {
    const { flags } = resolveFeatureFlags({
      config: { FF_TIMESTAMPS: false },
      jobVariables: [
        { key: "FF_TIMESTAMPS", value: "true" },
        { key: "FF_SCRIPT_SECTIONS", value: "1" },
      ],
    });
    expect(flags.FF_TIMESTAMPS).toBe(false);
    expect(flags.FF_SCRIPT_SECTIONS).toBe(true);
  });

  test("resolveFeatureFlags takes a variable's last definition", () => {
    const { flags } = resolveFeatureFlags({
      config: {},
      jobVariables: [
        { key: "FF_SCRIPT_SECTIONS", value: "true" },
        { key: "FF_SCRIPT_SECTIONS", value: "f" },
      ],
    });
    expect(flags.FF_SCRIPT_SECTIONS).toBe(false);
  });

  test("resolveFeatureFlags keeps the default for a value that is no boolean, and says so", () => {
    const { flags, problems } = resolveFeatureFlags({
      config: {},
      jobVariables: [{ key: "FF_TIMESTAMPS", value: "yes" }],
    });
    expect(flags.FF_TIMESTAMPS).toBe(true);
    expect(problems).toEqual([
      'Feature flag FF_TIMESTAMPS has the value "yes", which is not a boolean; using true',
    ]);
  });

  test("resolveFeatureFlags answers a frozen record without problems when nothing is set", () => {
    const { flags, problems } = resolveFeatureFlags(none);
    expect(problems).toEqual([]);
    expect(Object.isFrozen(flags)).toBe(true);
    expect(changedFeatureFlags(flags)).toEqual([]);
  });

  test("changedFeatureFlags lists what differs from the default, as the trace header does", () => {
    const { flags } = resolveFeatureFlags({
      config: { FF_TIMESTAMPS: false, FF_SCRIPT_SECTIONS: true },
      jobVariables: [],
    });
    expect(changedFeatureFlags(flags)).toEqual(["FF_SCRIPT_SECTIONS:true", "FF_TIMESTAMPS:false"]);
  });
});
