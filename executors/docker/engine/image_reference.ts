/** Names of images, taken apart as the engine's API wants them. */

export interface ImageReference {
  readonly repository: string;
  /** A tag or a digest (`sha256:…`), which wins over a tag. */
  readonly tag: string;
}

/** Without a tag it is `latest`: the engine would pull all tags. */
export function parseImageReference(reference: string): ImageReference {
  const [name = "", digest] = reference.split("@", 2);
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  const repository = colon < 0 ? name : name.slice(0, colon);
  const tag = colon < 0 ? "" : name.slice(colon + 1);
  return { repository, tag: digest || tag || "latest" };
}

/** The reference as part of a path: slashes stay, all else is encoded. */
export function imagePath(reference: string): string {
  return reference.split("/").map(encodeURIComponent).join("/");
}
