/** What this executable is, filled in by scripts/build.ts. */

/** GitLab decides by this version what it may ask of a runner: the release whose behaviour we match. */
export const COMPATIBLE_VERSION = "19.4.0";

export interface BuildInfo {
  /** GitLab Runner's version whose behaviour and protocol this build matches. */
  readonly version: string;
  /** First eight digits of the commit, or `HEAD`. */
  readonly revision: string;
  readonly branch: string;
  readonly builtAt: string;
  /** Our own release. */
  readonly release: string;
}

declare const BUILD_REVISION: string | undefined;
declare const BUILD_BRANCH: string | undefined;
declare const BUILD_TIME: string | undefined;
declare const BUILD_RELEASE: string | undefined;

export const buildInfo: BuildInfo = {
  version: COMPATIBLE_VERSION,
  revision: typeof BUILD_REVISION === "string" ? BUILD_REVISION : "HEAD",
  branch: typeof BUILD_BRANCH === "string" ? BUILD_BRANCH : "HEAD",
  builtAt: typeof BUILD_TIME === "string" ? BUILD_TIME : "unknown",
  release: typeof BUILD_RELEASE === "string" ? BUILD_RELEASE : "development",
};

/** Operating system and architecture in the names that GitLab knows (`linux`, `amd64`). */
export function goPlatform(
  platform: string = process.platform,
  architecture: string = process.arch,
): { readonly os: string; readonly arch: string } {
  const os = platform === "win32" ? "windows" : platform;
  const arch = architecture === "x64" ? "amd64" : architecture;
  return { os, arch };
}

/** `User-Agent` of every call to a coordinator: `gitlab-runner 19.4.0 (main; bun1.4.5; linux/amd64)`. */
export function userAgent(info: BuildInfo = buildInfo): string {
  const { os, arch } = goPlatform();
  return `gitlab-runner ${info.version} (${info.branch}; bun${Bun.version}; ${os}/${arch})`;
}
