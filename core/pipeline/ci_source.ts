/** Where the files of a configuration come from. */

import type { PipelineFacts } from "./pipeline.ts";

export interface CiSource extends Pick<PipelineFacts, "changedFiles" | "files"> {
  /** A file of the project, by its path without a leading slash; undefined: there is none. */
  read(path: string): Promise<string | undefined>;
  /** A file of another place. Throws when it cannot say what is there. */
  fetch(file: FileElsewhere, options: { readonly signal: AbortSignal }): Promise<FetchedFile>;
  /** Every path of another project, for patterns in its files. */
  filesOf(
    project: ProjectRef,
    options: { readonly signal: AbortSignal },
  ): Promise<FileList>;
}

/** Paths; or what there is not, or may not be seen by whoever asks. */
export type FileList = readonly string[] | "no-project" | "no-ref";

/** A project of the same GitLab instance. Without `ref`: its default branch. */
export interface ProjectRef {
  readonly project: string;
  readonly ref: string | undefined;
}

export type FileElsewhere =
  | ({ readonly kind: "project"; readonly path: string } & ProjectRef)
  | { readonly kind: "remote"; readonly url: string }
  | { readonly kind: "template"; readonly name: string }
  /** `host/project/name@version`. */
  | { readonly kind: "component"; readonly address: string };

export type FetchedFile =
  | {
    readonly kind: "found";
    readonly text: string;
    /** Whose files its own `include:local` means; undefined: it has no project. */
    readonly project: ProjectRef | undefined;
    /** Only of a component. */
    readonly component?: ComponentFacts;
  }
  /** In GitLab's words: what is missing, or why it may not be read. */
  | { readonly kind: "missing"; readonly message: string };

/** What a component may ask about itself with `spec:component`. */
export interface ComponentFacts {
  readonly name: string;
  readonly sha: string;
  readonly version: string | undefined;
  readonly reference: string;
}
