/** `environment`. */

import type { CiEnvironment } from "../ci_config.ts";
import { child, isString } from "../yaml/node.ts";
import type { Entry } from "./entry.ts";

const ACTIONS = ["start", "stop", "prepare", "verify", "access"] as const;
const TIERS = ["production", "staging", "testing", "development", "other"];
const MAX_LENGTH = 255;
const NAME = /^[\w${}. -](?:[\w/${}. -]*[\w${}. -])?$/;
const NAME_RULE =
  "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, " +
  "but it cannot start or end with '/'";

export function readEnvironment(entry: Entry): CiEnvironment | undefined {
  if (isString(entry.node)) {
    if (!NAME.test(entry.node.value)) entry.report(`name ${NAME_RULE}`);
    return environmentOf(entry.node.value);
  }
  if (!entry.isMapping()) return entry.report("config should be a hash or a string");
  entry.checkKeys([
    "name",
    "url",
    "action",
    "on_stop",
    "kubernetes",
    "auto_stop_in",
    "deployment_tier",
  ]);
  const name = entry.string("name");
  if (child(entry.node, "name") === undefined || name === "") {
    entry.reportKey("name", "can't be blank");
  } else if (name !== undefined && !NAME.test(name)) {
    entry.reportKey("name", NAME_RULE);
  }
  const url = entry.string("url");
  if (url !== undefined && url.length > MAX_LENGTH) {
    entry.reportKey("url", `is too long (maximum is ${MAX_LENGTH} characters)`);
  }
  entry.duration("auto_stop_in", { never: true });
  const kubernetes = child(entry.node, "kubernetes");
  if (kubernetes !== undefined && kubernetes.kind !== "mapping") {
    entry.reportKey("kubernetes", "should be a hash");
  }
  const tiers = `must be one of ${TIERS.slice(0, -1).join(", ")}, or ${TIERS.at(-1)}`;
  const actions = "should be start, stop, prepare, verify, or access";
  const environment = {
    ...environmentOf(name ?? ""),
    url,
    action: entry.oneOf("action", ACTIONS, actions) ?? "start",
    onStop: entry.string("on_stop"),
    deploymentTier: entry.oneOf("deployment_tier", TIERS, tiers),
  };
  return name === undefined ? undefined : environment;
}

function environmentOf(name: string): CiEnvironment {
  return { name, url: undefined, action: "start", onStop: undefined, deploymentTier: undefined };
}
