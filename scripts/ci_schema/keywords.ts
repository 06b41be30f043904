/**
 * What a CI file may say beyond the headings of GitLab's reference, which `tests/compat/exec_keywords.ts`
 * has; a line is a keyword. The rows of whole files come first.
 */

export const MORE_OF_FILES = String.raw`
spec:inputs:*:rules:if
spec:inputs:*:rules:options
spec:inputs:*:rules:default
include:artifact
include:job
include:rules:if
include:rules:changes:paths
include:rules:changes:compare_to
include:rules:exists:paths
include:rules:exists:project
include:rules:exists:ref
include:rules:when
workflow:rules:changes:paths
workflow:rules:changes:compare_to
workflow:rules:exists:paths
workflow:rules:exists:project
workflow:rules:exists:ref
workflow:rules:auto_cancel:on_new_commit
workflow:rules:auto_cancel:on_job_failure
workflow:rules:allow_failure
workflow:rules:needs
workflow:rules:start_in
`;

export const MORE_OF_JOBS = String.raw`
variables:*:value
variables:*:expand
artifacts:reports:accessibility
artifacts:reports:annotations
artifacts:reports:api_fuzzing
artifacts:reports:browser_performance
artifacts:reports:cluster_image_scanning
artifacts:reports:codequality
artifacts:reports:container_scanning
artifacts:reports:coverage_fuzzing
artifacts:reports:coverage_report:coverage_format
artifacts:reports:coverage_report:path
artifacts:reports:cyclonedx
artifacts:reports:dast
artifacts:reports:dependency_scanning
artifacts:reports:license_scanning
artifacts:reports:load_performance
artifacts:reports:lsif
artifacts:reports:metrics
artifacts:reports:performance
artifacts:reports:repository_xray
artifacts:reports:requirements
artifacts:reports:requirements_v2
artifacts:reports:sarif
artifacts:reports:sast
artifacts:reports:scip
artifacts:reports:secret_detection
artifacts:reports:terraform
environment:kubernetes:namespace
environment:kubernetes:agent
environment:kubernetes:flux_resource_path
environment:kubernetes:managed_resources
environment:kubernetes:dashboard
id_tokens:*:aud
image:docker:platform
image:docker:user
image:kubernetes:user
image:ports
inputs:*:type
inputs:*:description
inputs:*:options
inputs:*:regex
inputs:*:default
needs:ref
pages:publish
release:assets:links:name
release:assets:links:url
release:assets:links:filepath
release:assets:links:link_type
rules:needs:job
rules:needs:artifacts
rules:needs:optional
services:name
services:ports
services:docker:platform
services:docker:user
services:kubernetes:user
trigger:forward:yaml_variables
trigger:forward:pipeline_variables
trigger:include:local
trigger:include:project
trigger:include:ref
trigger:include:file
trigger:include:remote
trigger:include:template
trigger:include:component
trigger:include:artifact
trigger:include:job
trigger:include:rules
trigger:include:integrity
trigger:include:cache
`;

/** Below these, names are the user's own. */
export const OWN_NAMES: readonly string[] = ["parallel:matrix", "needs:parallel:matrix"];

/** Values that editors offer. A value may also be an input or a variable, where GitLab takes one. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  "artifacts:access": ["none", "developer", "maintainer", "all"],
  "artifacts:when": ["on_success", "on_failure", "always"],
  "artifacts:reports:coverage_report:coverage_format": ["cobertura", "jacoco"],
  "cache:policy": ["pull-push", "pull", "push"],
  "cache:when": ["on_success", "on_failure", "always"],
  "environment:action": ["start", "prepare", "stop", "verify", "access"],
  "environment:deployment_tier": ["production", "staging", "testing", "development", "other"],
  "image:pull_policy": ["always", "if-not-present", "never"],
  "retry:when": ["always", "script_failure", "runner_system_failure", "job_execution_timeout"],
  "services:pull_policy": ["always", "if-not-present", "never"],
  "trigger:strategy": ["depend", "mirror"],
  "when": ["on_success", "on_failure", "always", "manual", "delayed"],
};
