/** Text to trees, one per document of the text. */

import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { Event, MappingEvent, ScalarEvent, SequenceEvent } from "js-yaml";
import type { Problems } from "../problems.ts";
import { FlowIndentation } from "./flow_indentation.ts";
import { mapping, placeOf, scalar, sequence, type YamlEntry } from "./node.ts";
import type { YamlMapping, YamlNode, YamlReference, YamlScalar, YamlSequence } from "./node.ts";
import { plainScalar } from "./scalar_value.ts";
import type { SourceText } from "./source_text.ts";
import { describeSyntaxError } from "./syntax_error.ts";

/** GitLab refuses a file that takes more than 2 MB of its memory, or nests deeper than this. */
const MAX_LENGTH = 2 * 1024 * 1024;
const MAX_DEPTH = 100;
/** About what fits into GitLab's 2 MB; aliases count with all that they stand for. */
const MAX_NODES = 200_000;
const TOO_BIG = "The parsed YAML is too big";

/**
 * The documents of a text: none when it is empty, undefined when it is wrong, and `problems` says how.
 * A key that stands twice in a mapping is a warning: GitLab takes the last one.
 */
export function parseYaml(
  source: SourceText,
  problems: Problems,
): readonly YamlNode[] | undefined {
  if (source.text.length > MAX_LENGTH) {
    problems.add(TOO_BIG, source.placeAt(0));
    return undefined;
  }
  const reading = new FlowIndentation(source.text);
  for (;;) {
    try {
      const events = parseEvents(reading.text, { maxDepth: MAX_DEPTH });
      return new Composer(source, reading, problems).compose(events);
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const at = error.mark?.position ?? 0;
      if (error.reason === "deficient indentation" && reading.indentLine(at)) continue;
      reportSyntax(source, error.reason, reading.original(at), problems);
      return undefined;
    }
  }
}

function reportSyntax(
  source: SourceText,
  reason: string,
  offset: number,
  problems: Problems,
): void {
  if (reason.startsWith("nesting exceeded")) {
    problems.add(TOO_BIG, source.placeAt(offset));
    return;
  }
  problems.add(describeSyntaxError(reason, source.text, offset), source.placeAt(offset));
}

/** A collection whose end has not come yet. */
interface Open {
  readonly event: SequenceEvent | MappingEvent;
  readonly anchor: string | undefined;
  readonly items: YamlNode[];
  readonly entries: Map<string, YamlEntry>;
  /** Keys that `<<` brought: writing one of them again is no mistake. */
  merged: Set<YamlScalar> | undefined;
  /** A key whose value is next. */
  key: YamlScalar | undefined;
}

class Composer {
  readonly #source: SourceText;
  readonly #reading: FlowIndentation;
  readonly #problems: Problems;
  readonly #documents: YamlNode[] = [];
  readonly #anchors = new Map<string, YamlNode | "open">();
  readonly #stack: Open[] = [];
  /** Where the last node ended: an empty value has no place of its own. */
  #offset = 0;
  #failed = false;

  constructor(source: SourceText, reading: FlowIndentation, problems: Problems) {
    this.#source = source;
    this.#reading = reading;
    this.#problems = problems;
  }

  compose(events: readonly Event[]): readonly YamlNode[] | undefined {
    for (const event of events) {
      this.#take(event);
      if (this.#failed) return undefined;
    }
    return this.#documents;
  }

  #take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        this.#anchors.clear();
        break;
      case EVENT_ID.SCALAR:
        this.#add(this.#scalar(event), this.#anchorOf(event));
        break;
      case EVENT_ID.ALIAS:
        this.#alias(event.anchorStart, event.anchorEnd);
        break;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING: {
        const anchor = this.#anchorOf(event);
        if (anchor !== undefined) this.#anchors.set(anchor, "open");
        this.#stack.push({
          event,
          anchor,
          items: [],
          entries: new Map(),
          merged: undefined,
          key: undefined,
        });
        break;
      }
      case EVENT_ID.POP: {
        const open = this.#stack.pop();
        if (open !== undefined) this.#add(this.#close(open), open.anchor);
        break;
      }
    }
  }

  #add(node: YamlNode, anchor: string | undefined): void {
    if (node.size > MAX_NODES) return this.#fail(TOO_BIG, node.offset);
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    const parent = this.#stack.at(-1);
    if (parent === undefined) {
      this.#documents.push(node);
    } else if (parent.event.type === EVENT_ID.SEQUENCE) {
      parent.items.push(node);
    } else if (parent.key === undefined) {
      if (node.kind !== "scalar") return this.#fail("Invalid configuration format", node.offset);
      parent.key = node;
    } else {
      this.#addEntry(parent, parent.key, node);
      parent.key = undefined;
    }
  }

  #addEntry(parent: Open, key: YamlScalar, value: YamlNode): void {
    if (key.text === "<<" && this.#merge(parent, value)) return;
    const name = key.text;
    const before = parent.entries.get(name);
    if (before !== undefined && parent.merged?.has(before.key) !== true) {
      this.#problems.warn(
        `the key ${name} stands twice in one mapping; the last one is used`,
        placeOf(key),
        { keyword: name },
      );
    }
    parent.entries.set(name, { key, value });
  }

  /**
   * GitLab's parser merges when it meets the key: what stands before `<<` is overridden by it, what
   * stands behind wins. Of several mappings the first wins.
   */
  #merge(parent: Open, value: YamlNode): boolean {
    const sources = value.kind === "sequence" ? [...value.items].reverse() : [value];
    if (!sources.every((source) => source.kind === "mapping")) return false;
    const merged = parent.merged ??= new Set();
    for (const source of sources) {
      for (const [name, entry] of source.entries) {
        parent.entries.set(name, entry);
        merged.add(entry.key);
      }
    }
    return true;
  }

  #close(open: Open): YamlNode {
    const offset = this.#reading.original(open.event.start);
    const at = { source: this.#source, offset, size: 1 };
    const node = open.event.type === EVENT_ID.SEQUENCE
      ? sequence(at, open.items)
      : mapping(at, open.entries);
    return this.#tagged(node, this.#tagOf(open.event));
  }

  #scalar(event: ScalarEvent): YamlNode {
    const text = event.valueStart === -1 ? "" : getScalarValue(this.#reading.text, event);
    if (event.valueStart !== -1) this.#offset = this.#reading.original(event.valueStart);
    const at = { source: this.#source, offset: this.#offset, size: 1 };
    const tag = this.#tagOf(event);
    const isPlain = event.style === SCALAR_STYLE.PLAIN;
    if (
      isPlain && /^:[[\]{},]/.test(this.#reading.text.slice(event.valueEnd, event.valueEnd + 2))
    ) {
      // `{ a:[b] }`, which YAML 1.2 allows.
      const colon = this.#reading.original(event.valueEnd);
      this.#fail("found unexpected ':' while scanning a plain scalar", colon);
    }
    if (!isPlain || tag === "!" || tag === "!!str") return this.#tagged(scalar(at, text), tag);
    const plain = plainScalar(text);
    if (plain.kind === "class") {
      this.#fail(`Tried to load unspecified class: ${plain.name}`, at.offset);
      return scalar(at, text);
    }
    return this.#tagged(scalar(at, plain.value, plain.text), tag);
  }

  #tagged(node: YamlScalar | YamlSequence | YamlMapping, tag: string | undefined): YamlNode {
    if (tag === "!reference") {
      const reference: YamlReference = { ...at(node), kind: "reference", target: node };
      return reference;
    }
    if (tag?.startsWith("!ruby/") === true && node.kind !== "scalar") {
      this.#fail(`Tried to load unspecified class: ${tag.replace(/^.*:/, "")}`, node.offset);
    }
    return node;
  }

  #alias(start: number, end: number): void {
    const name = this.#reading.text.slice(start, end);
    const node = this.#anchors.get(name);
    // An anchor inside itself would never end.
    const offset = this.#reading.original(start) - 1;
    if (node === "open") return this.#fail(TOO_BIG, offset);
    if (node === undefined) return this.#fail(`Unknown alias: ${name}`, offset);
    this.#add(node, undefined);
  }

  #anchorOf(event: { readonly anchorStart: number; readonly anchorEnd: number }) {
    return event.anchorStart === -1
      ? undefined
      : this.#reading.text.slice(event.anchorStart, event.anchorEnd);
  }

  #tagOf(event: { readonly tagStart: number; readonly tagEnd: number }): string | undefined {
    return event.tagStart === -1
      ? undefined
      : this.#reading.text.slice(event.tagStart, event.tagEnd);
  }

  #fail(message: string, offset: number): void {
    this.#failed = true;
    this.#problems.add(message, this.#source.placeAt(offset));
  }
}

function at(node: YamlNode): Pick<YamlNode, "source" | "offset" | "size"> {
  return { source: node.source, offset: node.offset, size: node.size };
}
