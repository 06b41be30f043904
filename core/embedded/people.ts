/** What people have on the embedded coordinator: access tokens, variables, jobs that start pipelines. */

import { newToken } from "./runners.ts";

/** A variable as the API tells it. */
export interface PeopleVariable {
  readonly key: string;
  /** Null: hidden. */
  readonly value: string | null;
  readonly variable_type?: "env_var" | "file";
  readonly protected?: boolean;
  readonly masked?: boolean;
  readonly raw?: boolean;
  readonly environment_scope?: string;
}

export interface AccessToken {
  readonly token: string;
  /** A developer may not read variables. */
  readonly role: "developer" | "maintainer";
  /** Without `read_api`, the API answers 403; without `read_repository`, git does. */
  readonly scopes: readonly ("read_api" | "read_repository")[];
}

/** A job that starts a pipeline: no runner ever sees it. */
export interface TriggerJob {
  readonly id: number;
  readonly name: string;
  readonly project: string;
}

export class People {
  /** By the path of a group or project, or a pipeline's number. */
  readonly variables = new Map<string | number, readonly PeopleVariable[]>();
  /** Branches and tags that are protected. */
  readonly protectedRefs = new Set<string>();
  readonly triggers: TriggerJob[] = [];
  /** By a child pipeline's number: the one that started it, and by which job. */
  readonly parents = new Map<
    number,
    { readonly pipeline: number; readonly job: string; readonly jobId: number }
  >();
  /** `ci_config_path` of projects, by their paths. */
  readonly configPaths = new Map<string, string>();
  readonly #tokens = new Map<string, AccessToken>();

  addToken(settings: Partial<Omit<AccessToken, "token">> = {}): AccessToken {
    const token: AccessToken = {
      token: newToken("glpat-"),
      role: "maintainer",
      scopes: ["read_api", "read_repository"],
      ...settings,
    };
    this.#tokens.set(token.token, token);
    return token;
  }

  token(value: string | undefined): AccessToken | undefined {
    return value === undefined ? undefined : this.#tokens.get(value);
  }

  mayReadRepositories(password: string): boolean {
    return this.token(password)?.scopes.includes("read_repository") === true;
  }
}
