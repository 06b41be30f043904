/** Why a request got no usable answer, as one sentence that names the host and what to do. */

import { codeOf, messageOf, RunnerError } from "../errors.ts";

/** No answer: refused, cut, timed out, TLS failure. The message is fit for a log. */
export class ConnectionFault extends RunnerError {
  override readonly name = "ConnectionFault";
}

const UNTRUSTED = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
]);

/** Turns what the HTTP client threw into a ConnectionFault. `proxy` is the one in use, if any. */
export function connectionFault(
  thrown: unknown,
  url: URL,
  proxy: string | undefined,
): ConnectionFault {
  return new ConnectionFault(sentence(thrown, url, proxy), { cause: thrown });
}

function sentence(thrown: unknown, url: URL, proxy: string | undefined): string {
  const code = codeOf(thrown) ?? "";
  const peer = proxy === undefined
    ? `"${url.host}"`
    : `proxy "${URL.parse(proxy)?.host ?? "?"}" (for "${url.host}")`;
  if (UNTRUSTED.has(code)) {
    return `Cannot trust "${url.host}": its certificate is signed by an unknown authority; ` +
      `set tls-ca-file to that authority's certificate (${code})`;
  }
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `Cannot trust "${url.host}": its certificate has expired`;
    case "CERT_NOT_YET_VALID":
      return `Cannot trust "${url.host}": its certificate is not valid yet; check both clocks`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `Cannot trust "${url.host}": its certificate is for another host name ` +
        `(${plain(thrown)})`;
    case "ECONNREFUSED":
    case "FailedToOpenSocket":
      return `Cannot connect to ${peer}: connection refused`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `Cannot find the address of ${peer}: ${plain(thrown)}`;
    case "ECONNRESET":
    case "EPIPE":
      return `The connection to ${peer} was cut`;
    case "ERR_PROXY_TUNNEL":
      return `Cannot reach "${url.host}" through the proxy: ${plain(thrown)}`;
    default:
      return `Cannot talk to ${peer}: ${plain(thrown)}`;
  }
}

/** Bun ends its messages with advice for programmers. */
function plain(thrown: unknown): string {
  return messageOf(thrown).replace(/\s*For more information, pass .*$/s, "").trim();
}
