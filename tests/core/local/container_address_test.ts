import { expect, test } from "bun:test";
import { containerSideAddress } from "../../../core/local/container_address.ts";

const ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n" +
  "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n" +
  "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n" +
  "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
const ADDRESSES =
  "  |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 172.17.0.0\n     /16 link UNICAST\n" +
  "  |-- 172.17.0.1\n     /32 host LOCAL\n  |-- 192.0.2.2\n     /32 host LOCAL\n";

test("containerSideAddress is the engine's bridge, also while no container is on it", () => {
  const files: Record<string, string> = {
    "/proc/net/route": ROUTES,
    "/proc/net/fib_trie": ADDRESSES,
  };
  expect(containerSideAddress((path) => files[path])).toBe("172.17.0.1");
});

test("containerSideAddress is loopback where there is no bridge, and where there is no such list", () => {
  const files: Record<string, string> = {
    "/proc/net/route": ROUTES.replace("docker0", "eth1"),
    "/proc/net/fib_trie": ADDRESSES,
  };
  expect(containerSideAddress((path) => files[path])).toBe("127.0.0.1");
  expect(containerSideAddress(() => undefined)).toBe("127.0.0.1");
});
