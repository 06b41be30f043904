/** `cache:key` of a job, with the parts that are made of files, in GitLab's way. */

import { createHash } from "node:crypto";
import type { CiCache } from "../pipeline/ci_config.ts";
import type { ResolvedCache } from "./job_response.ts";
import type { Sources } from "./sources.ts";

/** What GitLab calls a key that comes to nothing. */
const NO_KEY = "default";

export class CacheKeys {
  readonly #sources: Sources;
  /** What git said of a file or pattern. */
  readonly #known = new Map<string, string>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  resolve(cache: CiCache): ResolvedCache {
    return { ...cache, key: this.#keyOf(cache.key) };
  }

  #keyOf(key: CiCache["key"]): string {
    if (key.kind === "text") return key.text === "" ? NO_KEY : key.text;
    const found = key.files.map((file) => this.#mark(file, key.by)).filter((mark) => mark !== "");
    const digest = found.length === 0
      ? NO_KEY
      : createHash("sha1").update(found.join("-")).digest("hex");
    return key.prefix === undefined ? digest : `${key.prefix}-${digest}`;
  }

  /** What changes with the file: its content, or the last commit that touched it. */
  #mark(file: string, by: "content" | "commits"): string {
    const { git, repository, sha } = this.#sources;
    const known = this.#known.get(`${by} ${file}`);
    if (known !== undefined) return known;
    const args = by === "content"
      ? ["ls-tree", "-r", "--format=%(objectname)", sha, "--", file]
      : ["log", "-1", "--format=%H", sha, "--", file];
    const mark = (git.askNow(args, { env: { GIT_DIR: repository.path } }) ?? "").trim();
    this.#known.set(`${by} ${file}`, mark);
    return mark;
  }
}
