/** A server that allows nothing of what this program knows: what it should allow. */

/** By the words of ssh2: the keyword of `sshd_config`, and the name of ssh2's list of what we offer. */
const KINDS: readonly (readonly [words: RegExp, keyword: string, list: string])[] = [
  [/cipher$/, "Ciphers", "DEFAULT_CIPHER"],
  [/MAC$/, "MACs", "DEFAULT_MAC"],
  [/key exchange algorithm$/, "KexAlgorithms", "DEFAULT_KEX"],
  [/host key format$/, "HostKeyAlgorithms", "SUPPORTED_SERVER_HOST_KEY"],
];

/** Undefined: `complaint` is about something else. */
export async function noCommonAlgorithm(complaint: string): Promise<string | undefined> {
  const [, what] = /^Handshake failed: no matching (.*)$/.exec(complaint) ?? [];
  const [, keyword, list] = KINDS.find(([words]) => words.test(what ?? "")) ?? [];
  if (what === undefined || keyword === undefined || list === undefined) return undefined;
  // @ts-expect-error: ssh2 has no types for its parts.
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  const ours: readonly string[] = constants[list];
  return `the server allows no ${what} that the runner knows: ${keyword} in its sshd_config needs ` +
    `one of ${ours.join(", ")}`;
}
