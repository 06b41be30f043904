/** Packages of a helper image, installed by the base image's own package manager. */

import { RunnerError } from "../../../core/errors.ts";
import type { BuildOptions } from "./build_image.ts";

/** Installs what is missing; a base that has all needs no network. */
const INSTALL = String.raw`
missing=
command -v git >/dev/null || missing="$missing git"
command -v git-lfs >/dev/null || missing="$missing git-lfs"
ls /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem /etc/pki/tls/certs/ca-bundle.crt \
  2>/dev/null | grep -q . || missing="$missing ca-certificates"
[ -n "$missing" ] || exit 0
echo "Installing$missing"
if command -v apt-get >/dev/null; then
  apt-get update && apt-get install -y --no-install-recommends $missing && rm -rf /var/lib/apt/lists/*
elif command -v apk >/dev/null; then
  apk add --no-cache $missing
elif command -v microdnf >/dev/null; then
  microdnf install -y $missing && microdnf clean all
elif command -v dnf >/dev/null; then
  dnf install -y $missing && dnf clean all
else
  echo "There is no apt-get, apk, microdnf or dnf to install$missing with" >&2
  exit 1
fi
`;

/** Told when it fails. Lines. */
const LAST_LINES = 20;

export async function installPackages(
  container: string,
  { engine, base, proxies, progress, signal }: BuildOptions,
): Promise<void> {
  const lines: string[] = [];
  const output = lineSink((line) => {
    lines.push(line);
    if (line.startsWith("Installing ")) progress.line(`${line} ...`);
    else progress.meanwhile(line);
    if (lines.length > LAST_LINES) lines.shift();
  });
  const request = {
    argv: ["sh", "-c", INSTALL],
    env: ["DEBIAN_FRONTEND=noninteractive", ...proxies],
  };
  const end = await engine.exec(container, request, { output, signal });
  if (end.exitCode === 0) return;
  throw new RunnerError(
    `Cannot install git in the base image "${base}" (exit code ${end.exitCode}):\n` +
      `${lines.join("\n")}\nWithout a network, take a base that has git and give --as-is`,
  );
}

function lineSink(take: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  return {
    write(bytes: Uint8Array): undefined {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n|\r/);
      rest = lines.pop()?.slice(-1000) ?? "";
      for (const line of lines.filter((text) => text.trim() !== "")) take(line);
    },
  };
}
