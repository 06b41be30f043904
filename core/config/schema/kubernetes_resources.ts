/** Requests and limits of `[runners.kubernetes]`, and how far a job may change them. */

import { type Key, text } from "../keys.ts";

type Resource = "cpu" | "memory" | "ephemeral_storage";
type Bound = "limit" | "request";
type Name<P extends string, R extends Resource> =
  | `${P}${R}_${Bound}`
  | `${P}${R}_${Bound}_overwrite_max_allowed`;

/** For every resource: limit and request, each with the ceiling for the job's own variable. */
export function resourceKeys<P extends "" | "service_" | "helper_" | "pod_", R extends Resource>(
  prefix: P,
  resources: readonly R[],
  of: string,
): { readonly [N in Name<P, R>]: Key<string> } {
  const entries = resources.flatMap((resource) =>
    (["limit", "request"] as const).flatMap((bound) => {
      const name = `${prefix}${resource}_${bound}` as const;
      const ceiling = `${name}_overwrite_max_allowed` as const;
      const what = `${resource.replace("_", " ")} ${bound}`;
      const variable = `KUBERNETES_${name.toUpperCase()}`;
      return [
        [name, text(`${what} of ${of}`, flagName(prefix, resource, bound))],
        [
          ceiling,
          text(
            `ceiling for the job variable ${variable}`,
            flagName(prefix, resource, `${bound}-overwrite-max-allowed`),
          ),
        ],
      ] as const;
    })
  );
  return Object.fromEntries(entries) as { [N in Name<P, R>]: Key<string> };
}

/** GitLab Runner writes `ephemeral_storage` with its underscore in all flags but the build container's. */
function flagName(prefix: string, resource: Resource, rest: string): { flag?: string } {
  if (prefix === "" || resource !== "ephemeral_storage") return {};
  return { flag: `--kubernetes-${prefix.replace("_", "-")}${resource}-${rest}` };
}
