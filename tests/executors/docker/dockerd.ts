/** A Docker Engine for tests: the machine's own, or one that they start and end. */

import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connectEngine } from "../../../executors/docker/engine/mod.ts";

/** Why tests on an engine cannot run here; undefined: they can. For the name of a skipped suite. */
export function missingForDocker(): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root";
  if (Bun.which("dockerd") === null) return "dockerd is not installed";
  return Bun.which("docker") === null ? "the docker command is not installed" : undefined;
}

export interface TestEngine extends AsyncDisposable {
  /** For `host` of a configuration and for `DOCKER_HOST`. */
  readonly host: string;
}

export interface OwnEngine extends TestEngine {
  readonly pid: number;
  /** Its data; what is put there is gone with the engine. */
  readonly dataDirectory: string;
  /** Ends the engine without a word, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again with its data, after it was killed. */
  restart(): Promise<void>;
}

/**
 * The engine that runs on this machine, or a new one. `loopback`: it has to reach what listens on
 * this machine's loopback; a new one then has no network for its containers. `machine`: containers
 * have to reach what listens on this machine.
 */
export async function useEngine(
  reach: "containers" | "loopback" | "machine" = "containers",
): Promise<TestEngine> {
  const host = "unix:///var/run/docker.sock";
  if (await answers(host)) return { host, async [Symbol.asyncDispose]() {} };
  switch (reach) {
    case "containers":
      return await startEngine();
    case "loopback":
      return await startEngine({ network: "machine", args: ["--bridge=none", "--iptables=false"] });
    case "machine":
      return await startEngine({ network: "machine" });
  }
}

/**
 * Starts an engine with its own data in a temporary directory. With a network of its `own` it
 * disturbs no other engine and reaches nothing outside: two engines on one network take each
 * other's bridge away.
 */
export async function startEngine(
  options: {
    readonly network?: "own" | "machine";
    /** Where it is to listen; a socket in its temporary directory when left out. */
    readonly host?: string;
    readonly args?: readonly string[];
    /** Puts its data on a disk of this size, in memory. */
    readonly diskMegabytes?: number;
  } = {},
): Promise<OwnEngine> {
  const directory = await mkdtemp(join(tmpdir(), "dockerd-"));
  const host = options.host ?? `unix://${directory}/docker.sock`;
  const data = join(directory, "data");
  const log = join(directory, "log");
  // A containerd of the machine is shared: what is this engine's has this namespace there.
  const namespace = basename(directory);
  const spawn = () =>
    Bun.spawn([
      ...(options.network === "machine" ? [] : IN_OWN_NETWORK),
      "dockerd",
      ...["--data-root", data, "--exec-root", join(directory, "exec")],
      ...["--pidfile", join(directory, "pid"), "-H", host],
      ...["--containerd-namespace", namespace],
      ...["--containerd-plugins-namespace", `${namespace}-plugins`],
      ...(options.args ?? []),
    ], { stdin: "ignore", stdout: "ignore", stderr: Bun.file(log) });
  if (options.diskMegabytes !== undefined) {
    await mkdir(data);
    const size = `size=${options.diskMegabytes}m`;
    const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", size, "tmpfs", data]);
    if (!mounted.success) throw new Error(`Cannot mount "${data}": ${mounted.stderr}`);
  }
  let engine = spawn();
  const own: OwnEngine = {
    host,
    dataDirectory: data,
    get pid() {
      return engine.pid;
    },
    async kill() {
      engine.kill("SIGKILL");
      await engine.exited;
      // Its containerd goes with it, but not at once, and a new engine would rely on it.
      const pidFile = join(directory, "exec/containerd/containerd.pid");
      const containerd = await readFile(pidFile, "utf8").catch(() => "");
      while (containerd !== "" && existsSync(`/proc/${containerd.trim()}`)) await Bun.sleep(20);
    },
    async restart() {
      // Another process may have the number by now.
      await rm(join(directory, "pid"), { force: true });
      await rm(log);
      engine = spawn();
      await answering();
    },
    async [Symbol.asyncDispose]() {
      engine.kill("SIGKILL");
      await engine.exited;
      await endContainers(namespace);
      await unmountBelow(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
  const answering = async () => {
    for (let waits = 0; !await answers(host); waits++) {
      if (waits > 600 || engine.exitCode !== null) {
        const told = await readFile(log, "utf8");
        await own[Symbol.asyncDispose]();
        throw new Error(`dockerd does not start:\n${told.slice(-2000)}`);
      }
      await Bun.sleep(100);
    }
  };
  await answering();
  return own;
}

const IN_OWN_NETWORK = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];

/** Makes an image with a script of `tests/images`; resolves with its name. */
export async function makeImage(script: string, host: string): Promise<string> {
  const path = join(import.meta.dir, "../../images", script);
  const made = Bun.spawn(["sh", path], {
    env: { ...process.env, DOCKER_HOST: host },
    stdout: "pipe",
    stderr: "inherit",
  });
  const name = (await new Response(made.stdout).text()).trim();
  if (await made.exited !== 0) throw new Error(`${script} failed`);
  return name;
}

/** Makes an image of another one with lines of a Dockerfile; it is removed when disposed of. */
export async function deriveImage(
  host: string,
  base: string,
  lines: readonly string[],
): Promise<{ readonly name: string } & AsyncDisposable> {
  const name = `runner-test/derived:${crypto.randomUUID()}`;
  const docker = async (args: readonly string[], stdin = "") => {
    const child = Bun.spawn(["docker", ...args], {
      env: { ...process.env, DOCKER_HOST: host, DOCKER_BUILDKIT: "0" },
      stdin: new TextEncoder().encode(stdin),
      stdout: "ignore",
      stderr: "pipe",
    });
    const told = await new Response(child.stderr).text();
    if (await child.exited !== 0) throw new Error(`docker ${args[0]} failed: ${told}`);
  };
  await docker(["build", "--quiet", "--tag", name, "-"], [`FROM ${base}`, ...lines].join("\n"));
  const remove = async () => {
    for (let waits = 0;; waits++) {
      try {
        // By force it would only lose its name while a job's containers are being removed.
        return await docker(["image", "rm", name]);
      } catch (error) {
        if (waits === 100) throw error;
      }
      await Bun.sleep(100);
    }
  };
  return { name, [Symbol.asyncDispose]: remove };
}

/** Where containers in the default network of the machine's engine reach the machine. */
export function bridgeAddress(): string {
  const { stdout } = Bun.spawnSync(["ip", "-4", "-oneline", "address", "show", "dev", "docker0"]);
  const [, address] = / inet ([\d.]+)\//.exec(stdout.toString()) ?? [];
  if (address === undefined) throw new Error("The Docker Engine of this machine has no bridge");
  return address;
}

/** Whether an engine answers there. */
export async function answers(host: string): Promise<boolean> {
  await using engine = connectEngine({ host, env: {} });
  const signal = AbortSignal.timeout(2000);
  return await engine.info({ signal }).then(() => true, () => false);
}

/** A killed engine leaves its containers, their shims and perhaps a containerd of its own behind. */
async function endContainers(namespace: string): Promise<void> {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!/^[^\0]*containerd/.test(line) || !line.includes(namespace)) continue;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    for (const child of children.split(" ").filter((text) => text !== "")) end(Number(child));
    end(Number(pid));
  }
  const inNamespace = ["ctr", "-n", namespace];
  if (Bun.which("ctr") === null || !existsSync("/run/containerd/containerd.sock")) return;
  const ids = Bun.spawnSync([...inNamespace, "containers", "ls", "-q"]).stdout.toString();
  for (const id of ids.split("\n").filter((text) => text !== "")) {
    Bun.spawnSync([...inNamespace, "tasks", "rm", "-f", id], { stderr: "ignore" });
    Bun.spawnSync([...inNamespace, "containers", "rm", id], { stderr: "ignore" });
  }
  Bun.spawnSync(["ctr", "namespaces", "rm", namespace], { stdout: "ignore", stderr: "ignore" });
}

/** What was mounted for containers would keep the directory. */
async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n")
    .map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounts.reverse()) Bun.spawnSync(["umount", "-l", path]);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
