/** Which proxy a request goes through, by the variables that curl, git and Go know. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy's URL, or undefined for a direct connection. As in GitLab Runner, lower-case variables
 * are the second choice, and this machine itself is never reached through a proxy.
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const names = url.protocol === "https:"
    ? ["HTTPS_PROXY", "https_proxy"]
    : ["HTTP_PROXY", "http_proxy"];
  const proxy = firstSet(env, names);
  if (proxy === undefined || isLoopback(url) || isExempt(url, env)) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

function firstSet(env: Environment, names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
}

function isLoopback(url: URL): boolean {
  const host = bareHost(url);
  return host === "localhost" || host === "::1" ||
    (familyOf(host) === "ipv4" && host.startsWith("127."));
}

function isExempt(url: URL, env: Environment): boolean {
  const rules = (firstSet(env, ["NO_PROXY", "no_proxy"]) ?? "").split(",");
  return rules.some((rule) => matches(rule.trim().toLowerCase(), url));
}

/** `*`, `1.2.3.0/24`, `host`, `host:port`, `.suffix` and `*.suffix`; a bare name covers its subdomains. */
function matches(rule: string, url: URL): boolean {
  if (rule === "") return false;
  if (rule === "*") return true;
  const host = bareHost(url);
  if (rule.includes("/")) return inNetwork(host, rule);
  const [, name = rule, port] =
    /^(.*?)(?::(\d+))?$/.exec(familyOf(rule) === "ipv6" ? `[${rule}]` : rule) ??
      [];
  if (port !== undefined && port !== portOf(url)) return false;
  const plain = name.replace(/^\[|\]$/g, "");
  if (familyOf(plain) !== undefined) return host === plain;
  const suffix = plain.replace(/^\*/, "");
  return suffix.startsWith(".")
    ? host.endsWith(suffix)
    : host === suffix || host.endsWith(`.${suffix}`);
}

function inNetwork(host: string, rule: string): boolean {
  const [address = "", bits = ""] = rule.split("/");
  const family = familyOf(address);
  if (family === undefined || family !== familyOf(host) || !/^\d+$/.test(bits)) return false;
  if (Number(bits) > (family === "ipv4" ? 32 : 128)) return false;
  // Loading node:net takes a helper command longer than its other preparations together.
  const network = new (process.getBuiltinModule("node:net").BlockList)();
  network.addSubnet(address, Number(bits), family);
  return network.check(host, family);
}

/** Of a host without brackets; URLs write every IPv4 address with four decimal numbers. */
function familyOf(host: string): "ipv4" | "ipv6" | undefined {
  if (/^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/.test(host)) return "ipv6";
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) ? "ipv4" : undefined;
}

/** A URL's host without the brackets of an IPv6 address. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
}

/** A URL's port, also when it is the protocol's default. */
export function portOf(url: URL): string {
  return url.port || (url.protocol === "https:" ? "443" : "80");
}
