/** Reads the one file of a multipart upload from a stream, without holding it in memory. */

/** Room for a part's header lines; a runner sends under 200 bytes. */
const LONGEST_PART_HEAD = 16 * 1024;

/** `truncated`: the body ended before its closing boundary. */
export type MultipartOutcome =
  | { readonly kind: "file"; readonly filename: string }
  | { readonly kind: "no-file" }
  | { readonly kind: "truncated" };

/** The boundary of a multipart content type. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*;.*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(
    contentType ?? "",
  );
  return match?.[1] ?? match?.[2];
}

/** Passes the bytes of the part named `file` to `write`, in order. What `write` throws ends it. */
export async function readMultipartFile(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  write: (bytes: Uint8Array) => void,
): Promise<MultipartOutcome> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let state: "between" | "head" | "body" | "end" = "between";
  let wanted = false;
  let filename: string | undefined;
  // The first boundary has no line break before it; with this one it looks like all others.
  let rest = Buffer.from("\r\n");
  for await (const chunk of body) {
    if (state === "end") continue;
    let data = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    for (let more = true; more;) {
      more = false;
      if (state === "head") {
        const end = data.indexOf("\r\n\r\n");
        if (data.length >= 2 && data[0] === 0x2d && data[1] === 0x2d) state = "end";
        else if (end < 0 && data.length > LONGEST_PART_HEAD) return { kind: "no-file" };
        else if (end >= 0) {
          const head = data.toString("utf8", 0, end);
          wanted = filename === undefined && /\bname="?file"?(?:;|\r|\s|$)/i.test(head);
          if (wanted) filename = /filename="((?:[^"\\]|\\.)*)"/i.exec(head)?.[1] ?? "";
          data = data.subarray(end + 4);
          // An empty part is followed at once by its delimiter.
          state = "body";
          more = true;
        }
      } else if (state === "body" || state === "between") {
        const end = data.indexOf(delimiter);
        const sure = end >= 0 ? end : Math.max(0, data.length - delimiter.length + 1);
        if (state === "body" && wanted && sure > 0) write(data.subarray(0, sure));
        data = data.subarray(end >= 0 ? end + delimiter.length : sure);
        if (end >= 0) {
          state = "head";
          more = true;
        }
      }
    }
    // A copy: the chunk's memory is the server's.
    rest = Buffer.from(data);
  }
  if (state !== "end") return { kind: "truncated" };
  return filename === undefined ? { kind: "no-file" } : { kind: "file", filename };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
