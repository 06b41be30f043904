import { expect, test } from "bun:test";
import { proxyFor } from "../../../core/coordinator/proxy.ts";

const PROXY = "http://proxy:3128";

function choose(url: string, noProxy: string): string | undefined {
  return proxyFor(new URL(url), { HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: noProxy });
}

test.each([
  ["https://gitlab.example", "gitlab.example"],
  ["https://gitlab.example", "example"],
  ["https://a.gitlab.example", ".gitlab.example"],
  ["https://a.gitlab.example", "*.gitlab.example"],
  ["https://GITLAB.example", "other, Gitlab.Example"],
  ["https://gitlab.example:8443", "gitlab.example:8443"],
  ["http://gitlab.example", "gitlab.example:80"],
  ["http://10.1.2.3", "10.0.0.0/8"],
  ["http://10.1.2.3", "10.1.2.3"],
  ["http://[fd00::1]", "fd00::/8"],
  ["http://[fd00::1]", "fd00::1"],
  ["http://gitlab.example", "*"],
  ["http://localhost:3000", ""],
  ["http://127.0.0.2", ""],
  ["http://[::1]:80", ""],
])("proxyFor connects directly to %s when NO_PROXY is %s", (url, noProxy) => {
  expect(choose(url, noProxy)).toBeUndefined();
});

test.each([
  ["https://gitlab.example", ""],
  ["https://notgitlab.example", "gitlab.example"],
  ["https://gitlab.example", ".gitlab.example"],
  ["https://gitlab.example:8443", "gitlab.example:443"],
  ["http://11.1.2.3", "10.0.0.0/8"],
  ["http://gitlab.example", "10.0.0.0/8,bad/99,/"],
])("proxyFor uses the proxy for %s when NO_PROXY is %s", (url, noProxy) => {
  expect(choose(url, noProxy)).toBe(PROXY);
});

test("proxyFor reads lower-case names second and adds a missing protocol", () => {
  const url = new URL("https://gitlab.example");
  expect(proxyFor(url, { https_proxy: "p:1" })).toBe("http://p:1");
  expect(proxyFor(url, { HTTPS_PROXY: "http://a", https_proxy: "http://b" })).toBe("http://a");
  expect(proxyFor(url, { HTTP_PROXY: PROXY })).toBeUndefined();
});
