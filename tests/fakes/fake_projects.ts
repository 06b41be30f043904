/** The part of GitLab's API that gives out files of projects, as a real server on loopback. */

export interface FakeProject {
  /** Commits by the branches and tags that name them. */
  readonly refs: Readonly<Record<string, string>>;
  /** Files by commit and path. */
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Only with this token. */
  readonly token?: string;
}

export interface FakeProjects extends Disposable {
  readonly url: string;
  /** Path and token of every request, in order. */
  readonly requests: { readonly path: string; readonly token: string | null }[];
  /** Answers of other paths. */
  readonly pages: Map<string, () => Response>;
}

export function serveProjects(
  projects: Readonly<Record<string, FakeProject>>,
  tls?: { readonly cert: string; readonly key: string },
): FakeProjects {
  const requests: FakeProjects["requests"] = [];
  const pages: FakeProjects["pages"] = new Map();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    ...(tls === undefined ? {} : { tls }),
    fetch(request) {
      const url = new URL(request.url);
      const token = request.headers.get("private-token");
      requests.push({ path: `${url.pathname}${url.search}`, token });
      const page = pages.get(url.pathname);
      if (page !== undefined) return page();
      const [, id = "", rest = ""] = /^\/api\/v4\/projects\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
      const project = projects[decodeURIComponent(id)];
      if (project === undefined || (project.token !== undefined && project.token !== token)) {
        return new Response("{}", { status: 404 });
      }
      return answer(project, rest, url.searchParams);
    },
  });
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${server.port}`,
    requests,
    pages,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

function answer(project: FakeProject, rest: string, query: URLSearchParams): Response {
  const nothing = new Response("{}", { status: 404 });
  const parts = rest.split("/").map(decodeURIComponent);
  const ref = query.get("ref") ?? "";
  const page = <Item>(items: readonly Item[]): Response => {
    const size = Number(query.get("per_page"));
    const from = (Number(query.get("page")) - 1) * size;
    return Response.json(items.slice(from, from + size));
  };
  switch (parts[2]) {
    case undefined:
      return Response.json({ id: 1 });
    case "commits": {
      const id = project.refs[parts[3] ?? ""];
      return id === undefined ? nothing : Response.json({ id });
    }
    case "files": {
      const text = project.files[ref]?.[parts[3] ?? ""];
      return text === undefined ? nothing : new Response(text);
    }
    case "tree":
      return page(Object.keys(project.files[ref] ?? {}).map((path) => ({ path, type: "blob" })));
    case "tags": {
      const prefix = (query.get("search") ?? "^").slice(1);
      const names = Object.keys(project.refs).filter((name) => name.startsWith(prefix));
      return page(names.map((name) => ({ name })));
    }
    default:
      return nothing;
  }
}
