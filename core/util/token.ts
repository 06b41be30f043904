/** Short forms of GitLab's tokens, for names and logs. */

/** `glrt-t1_`, `GR1348941`, `glcbt-64_`: everything GitLab puts before a token's own characters. */
const PREFIX = /^(?:gl[a-z]+-(?:t\d_)?(?:\d+_)?|GR1348941|t\d_)/;

/** Characters of a token that may be shown: enough to tell runners apart, too few to use. */
const SHORT_LENGTH = 9;

/** The part of a token that logs, labels and directory names show. */
export function shortToken(token: string): string {
  return token.replace(PREFIX, "").slice(0, SHORT_LENGTH);
}
