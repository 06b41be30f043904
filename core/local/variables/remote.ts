/** The project on GitLab that a repository belongs to, as its remote's URL tells. */

export interface RemoteProject {
  /** GitLab's address, without a slash at the end. */
  readonly serverUrl: string;
  /** `group/name`. */
  readonly path: string;
}

/** Reserved for examples: nothing that a job sends there arrives anywhere. */
export const NO_SERVER = "https://gitlab.example.com";

/** `directoryName` is the project's name where there is no remote. */
export function remoteProject(url: string | undefined, directoryName: string): RemoteProject {
  return fromUrl(url ?? "") ?? fromScp(url ?? "") ??
    { serverUrl: NO_SERVER, path: `local/${pathPart(directoryName)}` };
}

/** `https://user@host/group/name.git`, `ssh://git@host:22/group/name.git`. */
function fromUrl(text: string): RemoteProject | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "" || !/^(?:https?|ssh|git):$/.test(url.protocol)) {
    return undefined;
  }
  const isHttp = url.protocol.startsWith("http");
  return project(isHttp ? url.origin : `https://${url.hostname}`, decodeURIComponent(url.pathname));
}

/** `git@host:group/name.git`. */
function fromScp(text: string): RemoteProject | undefined {
  const match = /^(?:[\w.-]+@)?([\w.-]{2,}):(?!\/\/|\\)(.+)$/.exec(text);
  return match === null ? undefined : project(`https://${match[1]}`, match[2] ?? "");
}

function project(serverUrl: string, path: string): RemoteProject | undefined {
  const parts = path.replace(/\/+$/, "").replace(/\.git$/, "").split("/").filter((part) =>
    part !== ""
  )
    .map(pathPart);
  if (parts.length === 0) return undefined;
  return { serverUrl, path: parts.length === 1 ? `local/${parts[0]}` : parts.join("/") };
}

/** What GitLab allows in a path; it is part of directories and addresses here, too. */
function pathPart(text: string): string {
  return text.replaceAll(/[^\w.-]/g, "-").replace(/^[.-]+/, "") || "project";
}
