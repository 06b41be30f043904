/** A real registry on loopback, and images pushed into it by its HTTP API. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

export interface Registry extends Disposable {
  /** `127.0.0.1:41234` */
  readonly address: string;
  readonly login: RegistryLogin | undefined;
}

/** Debian's `docker-registry`; undefined where it is not installed. */
export const REGISTRY_PROGRAM = Bun.which("docker-registry") ?? undefined;

export async function startRegistry(login?: RegistryLogin): Promise<Registry> {
  const root = mkdtempSync(join(tmpdir(), "runner-registry-"));
  const config = {
    version: "0.1",
    log: { level: "info", formatter: "json", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(root, "data") } },
    http: { addr: "127.0.0.1:0" },
    ...login === undefined ? {} : {
      auth: { htpasswd: { realm: "test", path: join(root, "htpasswd") } },
    },
  };
  if (login !== undefined) {
    const hash = await Bun.password.hash(login.password, { algorithm: "bcrypt", cost: 4 });
    writeFileSync(join(root, "htpasswd"), `${login.username}:${hash}\n`);
  }
  // JSON is YAML.
  writeFileSync(join(root, "config.yml"), JSON.stringify(config));
  const child = Bun.spawn([REGISTRY_PROGRAM ?? "", "serve", join(root, "config.yml")], {
    cwd: root,
    env: { PATH: "/usr/bin:/bin", OTEL_TRACES_EXPORTER: "none" },
    stdout: "ignore",
    stderr: "pipe",
  });
  const address = await listeningAddress(child.stderr);
  return {
    address,
    login,
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Reads on afterwards, so that the registry never waits to log. */
async function listeningAddress(log: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const read = async () => {
    let text = "";
    for await (const chunk of log) {
      text += Buffer.from(chunk).toString();
      const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(text) ?? [];
      if (address !== undefined) resolve(address);
    }
    reject(new Error(`docker-registry ended: ${text}`));
  };
  read().catch(reject);
  return await promise;
}

export interface Pushed {
  /** With registry and tag. */
  readonly image: string;
  /** The image's id. */
  readonly id: string;
  /** `sha256:…` of its manifest. */
  readonly digest: string;
}

/** Pushes an image of one file with this content; for this machine unless told. */
export async function push(
  registry: Registry,
  name: string,
  content: string,
  architecture = process.arch === "arm64" ? "arm64" : "amd64",
): Promise<Pushed> {
  const [repository = "", tag = "latest"] = name.split(":");
  const base = `http://${registry.address}/v2/${repository}`;
  const layer = layerOf(content);
  const config = Buffer.from(JSON.stringify({
    architecture,
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [sha256(layer)] },
  }));
  const blob = async (mediaType: string, data: Buffer) => {
    const started = await call(registry, `${base}/blobs/uploads/`, { method: "POST" });
    const url = new URL(started.headers.get("location") ?? "", base);
    url.searchParams.set("digest", sha256(data));
    await call(registry, url.href, { method: "PUT", body: data });
    return { mediaType, size: data.length, digest: sha256(data) };
  };
  const type = "application/vnd.docker.distribution.manifest.v2+json";
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: await blob("application/vnd.docker.container.image.v1+json", config),
    layers: [await blob("application/vnd.docker.image.rootfs.diff.tar", layer)],
  }));
  const headers = { "content-type": type };
  await call(registry, `${base}/manifests/${tag}`, { method: "PUT", body: manifest, headers });
  const image = `${registry.address}/${name}`;
  return { image, id: sha256(config), digest: sha256(manifest) };
}

/** Pushes an image that an engine has, and takes the name away from the engine again. */
export async function pushFrom(
  host: string,
  source: string,
  registry: Registry,
  name: string,
): Promise<string> {
  const image = `${registry.address}/${name}`;
  const dir = mkdtempSync(join(tmpdir(), "runner-push-"));
  const { login } = registry;
  const auth = Buffer.from(`${login?.username}:${login?.password}`).toString("base64");
  const auths = login === undefined ? {} : { [registry.address]: { auth } };
  writeFileSync(join(dir, "config.json"), JSON.stringify({ auths }));
  try {
    for (const args of [["tag", source, image], ["push", "-q", image], ["image", "rm", image]]) {
      const command = ["docker", "--config", dir, "-H", host, ...args];
      const { success, stderr } = Bun.spawnSync(command, { stdout: "ignore" });
      if (!success) throw new Error(`docker ${args[0]}: ${stderr}`);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
  return image;
}

async function call(registry: Registry, url: string, init: RequestInit): Promise<Response> {
  const { login } = registry;
  const basic = Buffer.from(`${login?.username}:${login?.password}`).toString("base64");
  const headers = new Headers(init.headers);
  if (login !== undefined) headers.set("authorization", `Basic ${basic}`);
  const response = await fetch(url, { ...init, headers });
  if (!response.ok) throw new Error(`${init.method} ${url}: ${await response.text()}`);
  return response;
}

/** A tar archive of one file. */
function layerOf(content: string): Buffer {
  const data = Buffer.from(content);
  const header = Buffer.alloc(512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
  header.write("file");
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(data.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(octal(sum, 6) + " ", 148);
  return Buffer.concat([header, data, Buffer.alloc(1024 + 511 - (data.length + 511) % 512)]);
}

function sha256(data: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(data).digest("hex")}`;
}
