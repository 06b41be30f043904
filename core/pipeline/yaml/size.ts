/** How large a configuration may be. GitLab measures the memory that it takes, which is not to be had. */

/** About what fits into GitLab's 2 MB. What stands in several places counts in each. */
export const MAX_NODES = 200_000;

/** Of all files together, and of all jobs with what they extend: more than any machine should hold. */
export const MAX_NODES_IN_ALL = 1_000_000;

export const TOO_BIG = "The parsed YAML is too big";
