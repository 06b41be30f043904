/** The API of one GitLab instance as a person's token sees it, by whose leave files and jobs are read. */

import type { z } from "zod";
import { type Answer, errorMessage, jsonOf, statusLine } from "../../coordinator/answer.ts";
import { type ApiCall, CoordinatorHttp, readAnswer } from "../../coordinator/http.ts";
import type { Environment } from "../../coordinator/proxy.ts";
import { storeAnswer } from "../../coordinator/response_file.ts";
import { RunnerError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";
import type { Secret } from "../../util/secret.ts";
import { useOf } from "./access_token.ts";

/** CI files and facts are small: whoever is slower than this will not answer at all. */
const TIMEOUTS = { exchangeMs: 60_000, headersMs: 30_000 };
/** Archives of artifacts are not. */
const DOWNLOAD_TIMEOUTS = { exchangeMs: 3_600_000, headersMs: 120_000 };
const PAGE_SIZE = 100;
/** A project of a million files: whoever has more has to name them. */
const MOST_PAGES = 10_000;

export interface GitlabApiOptions {
  /** The instance's address, without a slash at the end. */
  readonly server: string;
  /** Sent to that instance only. */
  readonly token: Secret | undefined;
  /** PEM file with the authorities that vouch for the instance. */
  readonly caFile: string | undefined;
  readonly env: Environment;
  readonly logger: Logger;
}

/** A call: its path below `/api/v4/`, and the path with names replaced, for what is told of it. */
export interface ApiRequest {
  readonly path: string;
  readonly route: string;
}

/** Not there, or not to be seen: GitLab does not always tell which. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  readonly message: string;
  /** The answer is one of GitLab's API, and not that of some other program at this address. */
  readonly isGitlab: boolean;
}

export type ApiOutcome<T> = { readonly kind: "found"; readonly value: T } | Refused;

/** Statuses by which GitLab refuses; any other one is a fault. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

export class GitlabApi implements Disposable {
  readonly #options: GitlabApiOptions;
  readonly #http: CoordinatorHttp;

  constructor(options: GitlabApiOptions) {
    this.#options = options;
    this.#http = this.#connect(TIMEOUTS);
  }

  /** Throws RunnerError for an answer that is neither what is asked for nor a refusal. */
  async get<T>(
    request: ApiRequest,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<ApiOutcome<T>> {
    const answer = await this.read(request, signal);
    if (answer.kind === "refused") return answer;
    return { kind: "found", value: parse(schema, answer.value, request.path) };
  }

  /** All pages of a list. The path ends in `?` or `&`. */
  async list<Item>(
    { path, route }: ApiRequest,
    schema: z.ZodType<readonly Item[]>,
    signal: AbortSignal,
  ): Promise<ApiOutcome<readonly Item[]>> {
    const all: Item[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const where = `${path}per_page=${PAGE_SIZE}&page=${page}`;
      const answer = await this.get({ path: where, route }, schema, signal);
      if (answer.kind === "refused") return answer;
      all.push(...answer.value);
      if (answer.value.length < PAGE_SIZE) return { kind: "found", value: all };
    }
    throw new RunnerError(
      `Cannot list "${path}" of ${this.#options.server}: it has too many pages`,
    );
  }

  /** An answer as it is. */
  async read(request: ApiRequest, signal: AbortSignal): Promise<ApiOutcome<Answer>> {
    return this.#outcome(request, await this.#http.call(this.#call("GET", request), { signal }));
  }

  /** What a GraphQL query gives, in `data`. */
  async query<T>(query: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<ApiOutcome<T>> {
    const request = { path: "../graphql", route: "../graphql" };
    const answer = await this.#http.call({
      ...this.#call("POST", request),
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query }),
    }, { signal });
    const outcome = this.#outcome(request, answer);
    if (outcome.kind === "refused") return outcome;
    return { kind: "found", value: parse(schema, outcome.value, request.path) };
  }

  /** Writes a file of any size to `destination`, made anew with mode 0600. The value is its size. */
  async download(
    request: ApiRequest,
    destination: string,
    signal: AbortSignal,
  ): Promise<ApiOutcome<number>> {
    using http = this.#connect(DOWNLOAD_TIMEOUTS);
    const answer = await http.callReading(
      this.#call("GET", request),
      (response, requestId) => storeAnswer(response, requestId, destination),
      { signal },
    );
    const outcome = this.#outcome(request, answer);
    return outcome.kind === "refused" ? outcome : { kind: "found", value: answer.written };
  }

  /** A file of any host, which never sees the token. */
  async fetchElsewhere(url: string, signal: AbortSignal): Promise<Answer> {
    const read = (response: Response) => readAnswer(response, "");
    return await this.#http.fetchStored(new URL(url), read, { signal });
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #connect(timeouts: typeof TIMEOUTS): CoordinatorHttp {
    const { server, caFile, env, logger } = this.#options;
    return new CoordinatorHttp({ url: server, tls: { caFile }, env, logger, timeouts });
  }

  #call(method: "GET" | "POST", { path, route }: ApiRequest): ApiCall {
    const { token } = this.#options;
    return {
      method,
      path,
      route,
      token: token && useOf(token),
      repeat: "on-failure",
      follow: "everywhere",
    };
  }

  #outcome<T extends Answer>({ path }: ApiRequest, answer: T): ApiOutcome<T> {
    const { status } = answer;
    if (REFUSALS.has(status)) {
      const message = errorMessage(answer);
      return { kind: "refused", status, message, isGitlab: isObject(jsonOf(answer)) };
    }
    if (status === 200 && answer.cut === undefined) return { kind: "found", value: answer };
    const why = answer.cut ?? statusLine(answer);
    throw new RunnerError(`Cannot read "${path}" of ${this.#options.server}: ${why}`);
  }
}

/** A project's path as a part of a request's path. */
export function projectPath(project: string | number): string {
  return `projects/${encodeURIComponent(project)}`;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function parse<T>(schema: z.ZodType<T>, answer: Answer, path: string): T {
  const parsed = schema.safeParse(jsonOf(answer));
  if (parsed.success) return parsed.data;
  throw new RunnerError(`Cannot understand the answer to "${path}"`, { cause: parsed.error });
}
