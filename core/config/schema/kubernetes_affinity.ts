/** `[runners.kubernetes.affinity]`: where pods may be scheduled. */

import { int, map, strings, text } from "../keys.ts";
import { optionalTable, tables } from "../tables.ts";

const expressionKeys = {
  key: text("label or field"),
  operator: text("In, NotIn, Exists, DoesNotExist, Gt, Lt"),
  values: strings("operands"),
};

const nodeTermKeys = {
  match_expressions: tables("conditions on labels, all must hold", expressionKeys),
  match_fields: tables("conditions on fields, all must hold", expressionKeys),
};

const selectorKeys = {
  match_labels: map("exact labels"),
  match_expressions: tables("conditions on labels, all must hold", expressionKeys),
};

const podTermKeys = {
  label_selector: optionalTable("pods to match", () => selectorKeys),
  namespaces: strings("namespace names"),
  topology_key: text("node label that defines the domain"),
  namespace_selector: optionalTable("namespaces by label", () => selectorKeys),
  match_label_keys: strings("label keys copied from the pod"),
  mismatch_label_keys: strings("label keys that must differ"),
};

const podAffinityKeys = {
  required_during_scheduling_ignored_during_execution: tables("hard rules", podTermKeys),
  preferred_during_scheduling_ignored_during_execution: tables("weighted rules", {
    weight: int("1 to 100"),
    pod_affinity_term: optionalTable("the rule", () => podTermKeys),
  }),
};

const nodeAffinityKeys = {
  required_during_scheduling_ignored_during_execution: optionalTable("hard rule", () => ({
    node_selector_terms: tables("terms, one must hold", nodeTermKeys),
  })),
  preferred_during_scheduling_ignored_during_execution: tables("weighted rules", {
    weight: int("1 to 100"),
    preference: optionalTable("the rule", () => nodeTermKeys),
  }),
};

export const affinityKeys = {
  node_affinity: optionalTable("node rules", () => nodeAffinityKeys),
  pod_affinity: optionalTable("co-location rules", () => podAffinityKeys),
  pod_anti_affinity: optionalTable("separation rules", () => podAffinityKeys),
};
