/** What tests of images share: a log that keeps its lines. */

import type { JobLog } from "../../../../core/executor.ts";
import type { CredentialSources } from "../../../../executors/docker/images/mod.ts";

export const NEVER = new AbortController().signal;

export const NO_CREDENTIALS: CredentialSources = { authConfig: "", home: undefined, job: [] };

/** Keeps lines as `print …`, `warning …`. */
export class LineLog implements JobLog {
  readonly lines: string[] = [];

  print(text: string): void {
    this.lines.push(`print ${text}`);
  }
  notice(text: string): void {
    this.lines.push(`notice ${text}`);
  }
  warning(text: string): void {
    this.lines.push(`warning ${text}`);
  }
  error(text: string): void {
    this.lines.push(`error ${text}`);
  }
}
