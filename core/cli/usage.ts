/** The exit code of a usage error. */
export const USAGE = 2;
