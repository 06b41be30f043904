/** The exit code of a usage error of commands that GitLab Runner does not have. */
export const USAGE = 2;
