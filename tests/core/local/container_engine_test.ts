import { expect, test } from "bun:test";
import { engineHost, type EngineSearch } from "../../../core/local/container_engine.ts";

/** What is found where only these sockets may be opened. */
function found(sockets: readonly string[], env: EngineSearch["env"] = {}, uid = 1000) {
  return engineHost({ env, home: "/home/me", uid, mayOpen: (path) => sockets.includes(path) });
}

const DOCKER = "/var/run/docker.sock";
const ROOT = "/run/podman/podman.sock";

test("engineHost is Docker's usual place, or what DOCKER_HOST says", () => {
  expect(found([DOCKER, ROOT])).toBeUndefined();
  expect(found([ROOT], { DOCKER_HOST: "tcp://engine:2375" })).toBeUndefined();
  expect(found([])).toBeUndefined();
});

test.each<[string, readonly string[], EngineSearch["env"]]>([
  ["unix:///run/user/1000/podman/podman.sock", ["/run/user/1000/podman/podman.sock", ROOT], {}],
  ["unix:///run/user/1000/docker.sock", ["/run/user/1000/docker.sock"], { XDG_RUNTIME_DIR: "" }],
  ["unix:///rt/podman/podman.sock", ["/rt/podman/podman.sock", ROOT], { XDG_RUNTIME_DIR: "/rt" }],
  ["unix:///home/me/.docker/run/docker.sock", ["/home/me/.docker/run/docker.sock"], {}],
  [`unix://${ROOT}`, [ROOT], {}],
])("engineHost finds %s where Docker's own socket may not be opened", (host, sockets, env) => {
  expect(found(sockets, env)).toBe(host);
});
