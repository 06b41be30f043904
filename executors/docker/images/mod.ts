/** Door of the images: what jobs may use, how it gets here, with whose credentials. */

export { checkAllowed, matchesAny, staysPrivileged } from "./allow_list.ts";
export { type ImageEngine, type ImageRequest, ImageStore } from "./image_store.ts";
export { JobImages } from "./job_images.ts";
export { foreignTo } from "./platform.ts";
export { effectivePolicies, type PolicyChoice, type PullPolicy } from "./pull_policy.ts";
export type { CredentialSources } from "./registry_auth.ts";
