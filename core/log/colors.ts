/** Whether a stream may get colours. */

/** `NO_COLOR` (any text) wins; otherwise a terminal gets colours and a file or pipe does not. */
export function wantsColors(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (env["NO_COLOR"]) return false;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
