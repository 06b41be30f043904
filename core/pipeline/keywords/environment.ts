/** `environment`. */

import type { CiEnvironment } from "../ci_config.ts";
import { TIERS } from "../variables/environment.ts";
import { mayRefer } from "../variables/references.ts";
import { child, isString, type YamlNode } from "../yaml/node.ts";
import type { Entry, MappingEntry } from "./entry.ts";

const ACTIONS = ["start", "stop", "prepare", "verify", "access"] as const;
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
  entry.duration("auto_stop_in", { never: true, variables: true });
  const kubernetes = entry.at("kubernetes");
  if (kubernetes?.isMapping()) checkKubernetes(kubernetes);
  else if (kubernetes !== undefined) entry.reportKey("kubernetes", "should be a hash");
  const actions = "should be start, stop, prepare, verify, or access";
  const environment = {
    ...environmentOf(name ?? ""),
    url,
    action: entry.oneOf("action", ACTIONS, actions) ?? "start",
    onStop: entry.string("on_stop"),
    deploymentTier: readTier(entry),
  };
  return name === undefined ? undefined : environment;
}

/** A tier, or variables that say one. */
function readTier(entry: MappingEntry): string | undefined {
  const tier = child(entry.node, "deployment_tier");
  if (isString(tier) && mayRefer(tier.value)) return tier.value;
  const sentence = `must be one of ${TIERS.slice(0, -1).join(", ")}, or ${TIERS.at(-1)}`;
  return entry.oneOf("deployment_tier", TIERS, sentence);
}

/** Nothing is deployed here: it only has to be right. */
function checkKubernetes(entry: MappingEntry): void {
  if (entry.node.entries.size === 0) return entry.report("config can't be blank");
  entry.checkKeys(["namespace", "agent", "flux_resource_path", "managed_resources", "dashboard"]);
  const namespace = entry.string("namespace");
  const flux = entry.string("flux_resource_path");
  const dashboard = entry.at("dashboard")?.node;
  const managed = entry.at("managed_resources")?.node;
  const isManaged = managed?.kind === "mapping" && isTrue(child(managed, "enabled"));
  const has = (key: string) => child(entry.node, key) !== undefined;
  if (flux !== undefined && !has("namespace")) entry.reportKey("namespace", "can't be blank");
  if ((flux !== undefined || dashboard !== undefined || isManaged) && !has("agent")) {
    entry.reportKey("agent", "can't be blank");
  }
  entry.string("agent");
  if (dashboard?.kind !== "mapping") return;
  for (const [key, value] of [["namespace", namespace], ["flux_resource_path", flux]] as const) {
    if (value === undefined || child(dashboard, key) === undefined) continue;
    entry.reportKey(key, `cannot be specified when dashboard.${key} is set`);
  }
}

function isTrue(node: YamlNode | undefined): boolean {
  return node?.kind === "scalar" && node.value === true;
}

function environmentOf(name: string): CiEnvironment {
  return { name, url: undefined, action: "start", onStop: undefined, deploymentTier: undefined };
}
