import { expect, test } from "bun:test";
import { containerSide } from "../../../core/local/container_side.ts";

const PODMAN0 = "podman0\t0000580A\t00000000\t0001\t0\t0\t0\t0000FFFF\n";
const ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n" +
  `eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n${PODMAN0}` +
  "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n" +
  "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
const ADDRESSES =
  "  |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 172.17.0.0\n     /16 link UNICAST\n" +
  "  |-- 10.88.0.1\n     /32 host LOCAL\n  |-- 172.17.0.1\n     /32 host LOCAL\n" +
  "  |-- 192.0.2.2\n     /32 host LOCAL\n";

test("containerSide of Docker is its bridge, also while no container is on it", () => {
  expect(containerSide("docker", reading(ROUTES)).listenOn).toBe("172.17.0.1");
});

test("containerSide of Docker is loopback where there is no bridge, and where there is no such list", () => {
  expect(containerSide("docker", reading(ROUTES.replace("docker0", "eth1"))).listenOn)
    .toBe("127.0.0.1");
  expect(containerSide("docker", () => undefined).listenOn).toBe("127.0.0.1");
});

test("containerSide of podman takes its containers and this machine for ours, and nobody else", () => {
  const files = { routes: ROUTES.replace(PODMAN0, "") };
  const { listenOn, mayBeOurs } = containerSide("podman", (path) => reading(files.routes)(path));
  expect(listenOn).toBe("0.0.0.0");
  expect(["127.0.0.1", "192.0.2.2", "10.88.0.7", "192.0.2.3", "::1", ""].map(mayBeOurs))
    .toEqual([true, true, false, false, false, false]);
  // With its first container.
  files.routes = ROUTES;
  expect(["10.88.0.7", "10.89.0.7", "192.0.2.3"].map(mayBeOurs)).toEqual([true, false, false]);
});

function reading(routes: string): (path: string) => string | undefined {
  const files: Record<string, string> = {
    "/proc/net/route": routes,
    "/proc/net/fib_trie": ADDRESSES,
  };
  return (path) => files[path];
}
