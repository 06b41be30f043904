/** Where a request may be sent again, and what must not go along. */

/** At most this many hops, as everywhere on the web. */
const MOST_HOPS = 10;

export interface Hop {
  readonly url: URL;
  /** The target may see the token that the first one was meant for. */
  readonly trusted: boolean;
}

/**
 * The next hop of a redirected request; undefined when the answer is to be taken as it is. 301, 302
 * and 303 would turn anything but a GET into a GET without body, so they are not followed for
 * other methods. Once a token has been dropped it stays so.
 */
export function nextHop(
  response: Response,
  request: { readonly method: string; readonly from: Hop; readonly hops: number },
): Hop | undefined {
  const keepsMethod = response.status === 307 || response.status === 308;
  const asGet = [301, 302, 303].includes(response.status) && request.method === "GET";
  const location = response.headers.get("location");
  if (!(keepsMethod || asGet) || location === null || request.hops >= MOST_HOPS) return undefined;
  const url = URL.parse(location, request.from.url.href);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return { url, trusted: request.from.trusted && isSameSite(request.from.url, url) };
}

/** The same origin, or the same host after an upgrade from http to https. */
function isSameSite(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  return from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:";
}
